package sessionchi_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gostateful/session/core"
)

// store is the least that a Manager needs of a store.
type store struct {
	mu      sync.Mutex
	records map[session.ID]session.Record
	down    bool
}

func newStore() *store { return &store{records: map[session.ID]session.Record{}} }

func (s *store) do(act func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("connection refused")
	}
	return act()
}

// lose makes the store fail.
func (s *store) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
}

// count is how many sessions there are.
func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}

func (s *store) Load(_ context.Context, id session.ID) (r session.Record, err error) {
	err = s.do(func() error {
		var ok bool
		if r, ok = s.records[id]; !ok {
			return session.ErrNotFound
		}
		return nil
	})
	return r, err
}

func (s *store) Create(_ context.Context, r session.Record) error {
	return s.do(func() error { s.records[r.ID] = r; return nil })
}

func (s *store) Update(_ context.Context, r session.Record) error {
	return s.do(func() error {
		if s.records[r.ID].Version != r.Version {
			return session.ErrConflict
		}
		r.Version++
		s.records[r.ID] = r
		return nil
	})
}

func (s *store) Touch(context.Context, session.ID, time.Time) error { return nil }

func (s *store) Delete(_ context.Context, id session.ID) error {
	return s.do(func() error { delete(s.records, id); return nil })
}

func (s *store) List(_ context.Context, subject string) (list []session.Record, err error) {
	err = s.do(func() error {
		for _, r := range s.records {
			if r.Subject == subject {
				list = append(list, r)
			}
		}
		return nil
	})
	return list, err
}

func (s *store) DeleteAll(_ context.Context, subject string, except ...session.ID) (n int, err error) {
	err = s.do(func() error {
		for id, r := range s.records {
			if r.Subject == subject && !slices.Contains(except, id) {
				delete(s.records, id)
				n++
			}
		}
		return nil
	})
	return n, err
}

// visit is the data of the tests.
type visit struct{ N int }

func count(v *visit) error {
	v.N++
	return nil
}

// A site is a manager and its store.
type site struct {
	*session.Manager[visit]
	store *store
}

func newSite(t testing.TB, opts *session.Options) site {
	t.Helper()
	st := newStore()
	m, err := session.New[visit](st, opts)
	if err != nil {
		t.Fatal(err)
	}
	return site{m, st}
}
