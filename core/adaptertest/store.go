package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gostateful/session/core"
)

// store is the plainest correct store. It takes note of its calls and fails as
// a law wants it to.
type store struct {
	mu      sync.Mutex
	records map[session.ID]session.Record
	calls   []string
	failing map[string]failure // by method
}

type failure int

const (
	down  failure = iota + 1 // refuses the call
	hangs                    // until the call's context is done
	loses                    // the answer of one call
)

var (
	everyMethod  = []string{"Load", "Create", "Update", "Touch", "Delete", "List", "DeleteAll"}
	writeMethods = []string{"Create", "Update", "Touch", "Delete", "DeleteAll"}
)

func newStore() *store {
	return &store{records: map[session.ID]session.Record{}, failing: map[string]failure{}}
}

func (s *store) fail(how failure, methods ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, method := range methods {
		s.failing[method] = how
	}
}

func (s *store) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.failing)
}

// took returns the calls since it was last asked, as "Load Update".
func (s *store) took() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return strings.Join(calls, " ")
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}

func (s *store) do(ctx context.Context, method string, act func() error) error {
	s.mu.Lock()
	s.calls = append(s.calls, method)
	how := s.failing[method]
	if how == loses {
		delete(s.failing, method)
	}
	s.mu.Unlock()
	switch how {
	case down:
		return errors.New("connection refused")
	case hangs:
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	err := act()
	s.mu.Unlock()
	if err == nil && how == loses {
		return errors.New("connection reset before the answer came")
	}
	return err
}

func (s *store) live(id session.ID) (session.Record, error) {
	r, ok := s.records[id]
	if !ok || !time.Now().Before(r.ExpiresAt) {
		return session.Record{}, session.ErrNotFound
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

func (s *store) put(r session.Record) {
	if !time.Now().Before(r.ExpiresAt) {
		delete(s.records, r.ID)
		return
	}
	r.Data = bytes.Clone(r.Data)
	s.records[r.ID] = r
}

func (s *store) Load(ctx context.Context, id session.ID) (r session.Record, err error) {
	err = s.do(ctx, "Load", func() error {
		r, err = s.live(id)
		return err
	})
	if err != nil {
		return session.Record{}, err
	}
	return r, nil
}

func (s *store) Create(ctx context.Context, r session.Record) error {
	return s.do(ctx, "Create", func() error {
		if r.ID.IsZero() {
			return errors.New("the zero ID names no session")
		}
		if _, err := s.live(r.ID); err == nil {
			return session.ErrExists
		}
		s.put(r)
		return nil
	})
}

func (s *store) Update(ctx context.Context, r session.Record) error {
	return s.do(ctx, "Update", func() error {
		held, err := s.live(r.ID)
		if err != nil {
			return err
		}
		if held.Version != r.Version {
			return session.ErrConflict
		}
		r.Version++
		s.put(r)
		return nil
	})
}

func (s *store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	return s.do(ctx, "Touch", func() error {
		r, err := s.live(id)
		if err == nil && expiresAt.After(r.ExpiresAt) {
			r.ExpiresAt = expiresAt
			s.records[id] = r
		}
		return err
	})
}

func (s *store) Delete(ctx context.Context, id session.ID) error {
	return s.do(ctx, "Delete", func() error {
		delete(s.records, id)
		return nil
	})
}

func (s *store) List(ctx context.Context, subject string) (list []session.Record, err error) {
	err = s.do(ctx, "List", func() error {
		list = s.of(subject)
		return nil
	})
	return list, err
}

func (s *store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
	err = s.do(ctx, "DeleteAll", func() error {
		for _, r := range s.of(subject) {
			if !slices.Contains(except, r.ID) {
				delete(s.records, r.ID)
				n++
			}
		}
		return nil
	})
	return n, err
}

// of returns the live records of a subject, newest first.
func (s *store) of(subject string) (list []session.Record) {
	for id := range s.records {
		if r, err := s.live(id); err == nil && subject != "" && r.Subject == subject {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return list
}
