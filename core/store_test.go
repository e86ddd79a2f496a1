package session_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gostateful/session/core"
)

// testStore is the plainest correct store, with a hook: before a call it may
// fail it, or let something else happen first; after a call it may lose the answer.
type testStore struct {
	mu      sync.Mutex
	records map[session.ID]session.Record
	calls   []string
	seen    [][]byte // all data that was ever written
	late    bool     // whatever has expired is still found
	hang    bool     // no call returns before its context is done

	before func(method string, id session.ID) error
	after  func(method string, id session.ID) error
}

func newTestStore() *testStore { return &testStore{records: map[session.ID]session.Record{}} }

var errDown = errors.New("connection refused")

func (s *testStore) do(ctx context.Context, method string, id session.ID, act func() error) error {
	s.mu.Lock()
	before, after := s.before, s.after
	s.calls = append(s.calls, method)
	s.mu.Unlock()
	if s.hang {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if before != nil {
		if err := before(method, id); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err := act()
	s.mu.Unlock()
	if err == nil && after != nil {
		err = after(method, id)
	}
	return err
}

func (s *testStore) live(id session.ID) (session.Record, error) {
	r, ok := s.records[id]
	if !ok || !s.late && !time.Now().Before(r.ExpiresAt) {
		return session.Record{}, session.ErrNotFound
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

func (s *testStore) put(r session.Record) {
	r.Data = bytes.Clone(r.Data)
	s.seen = append(s.seen, r.Data)
	s.records[r.ID] = r
}

func (s *testStore) Load(ctx context.Context, id session.ID) (r session.Record, err error) {
	err = s.do(ctx, "load", id, func() error { r, err = s.live(id); return err })
	return r, err
}

func (s *testStore) Create(ctx context.Context, r session.Record) error {
	return s.do(ctx, "create", r.ID, func() error {
		if r.ID.IsZero() {
			return errors.New("zero id")
		}
		if _, err := s.live(r.ID); err == nil {
			return session.ErrExists
		}
		s.put(r)
		return nil
	})
}

func (s *testStore) Update(ctx context.Context, r session.Record) error {
	return s.do(ctx, "update", r.ID, func() error {
		old, err := s.live(r.ID)
		if err != nil {
			return err
		}
		if old.Version != r.Version {
			return session.ErrConflict
		}
		r.Version++
		s.put(r)
		return nil
	})
}

func (s *testStore) Touch(ctx context.Context, id session.ID, at time.Time) error {
	return s.do(ctx, "touch", id, func() error {
		r, err := s.live(id)
		if err == nil && at.After(r.ExpiresAt) {
			r.ExpiresAt = at
			s.records[id] = r
		}
		return err
	})
}

func (s *testStore) Delete(ctx context.Context, id session.ID) error {
	return s.do(ctx, "delete", id, func() error { delete(s.records, id); return nil })
}

func (s *testStore) List(ctx context.Context, subject string) (list []session.Record, err error) {
	err = s.do(ctx, "list", session.ID{}, func() error {
		for id := range s.records {
			if r, err := s.live(id); err == nil && subject != "" && r.Subject == subject {
				list = append(list, r)
			}
		}
		slices.SortFunc(list, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
		return nil
	})
	return list, err
}

func (s *testStore) DeleteAll(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
	err = s.do(ctx, "deleteall", session.ID{}, func() error {
		for id := range s.records {
			if r, err := s.live(id); err == nil && subject != "" && r.Subject == subject && !slices.Contains(except, id) {
				delete(s.records, id)
				n++
			}
		}
		return nil
	})
	return n, err
}

// took returns the calls since it was last asked.
func (s *testStore) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *testStore) hook(before, after func(method string, id session.ID) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

// once runs act at the first call of a method, outside the store's lock.
func (s *testStore) once(method string, act func()) {
	s.hook(func(m string, _ session.ID) error {
		if m == method {
			s.hook(nil, nil)
			act()
		}
		return nil
	}, nil)
}

func (s *testStore) down(methods ...string) {
	s.hook(func(m string, _ session.ID) error {
		if len(methods) == 0 || slices.Contains(methods, m) {
			return errDown
		}
		return nil
	}, nil)
}

func (s *testStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}
