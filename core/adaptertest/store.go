package adaptertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gostateful/session/core"
)

// store takes note of its calls and fails as a law wants it to.
type store struct {
	session.Store

	mu      sync.Mutex
	calls   []string
	failing map[string]failure // by method
	created []session.ID
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

// call makes a call of the store inside, unless a law wants it to fail.
func (s *store) call(ctx context.Context, method string, call func() error) error {
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
	err := call()
	if err == nil && how == loses {
		return errors.New("connection reset before the answer came")
	}
	return err
}

func (s *store) Load(ctx context.Context, id session.ID) (r session.Record, err error) {
	err = s.call(ctx, "Load", func() (err error) {
		r, err = s.Store.Load(ctx, id)
		return err
	})
	return r, err
}

func (s *store) Create(ctx context.Context, r session.Record) error {
	s.mu.Lock()
	s.created = append(s.created, r.ID)
	s.mu.Unlock()
	return s.call(ctx, "Create", func() error { return s.Store.Create(ctx, r) })
}

func (s *store) Update(ctx context.Context, r session.Record) error {
	return s.call(ctx, "Update", func() error { return s.Store.Update(ctx, r) })
}

func (s *store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	return s.call(ctx, "Touch", func() error { return s.Store.Touch(ctx, id, expiresAt) })
}

func (s *store) Delete(ctx context.Context, id session.ID) error {
	return s.call(ctx, "Delete", func() error { return s.Store.Delete(ctx, id) })
}

func (s *store) List(ctx context.Context, subject string) (records []session.Record, err error) {
	err = s.call(ctx, "List", func() (err error) {
		records, err = s.Store.List(ctx, subject)
		return err
	})
	return records, err
}

func (s *store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
	err = s.call(ctx, "DeleteAll", func() (err error) {
		n, err = s.Store.DeleteAll(ctx, subject, except...)
		return err
	})
	return n, err
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

// count returns how many of the sessions that were created are there.
func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, id := range s.created {
		if _, err := s.Store.Load(context.Background(), id); err == nil {
			n++
		}
	}
	return n
}
