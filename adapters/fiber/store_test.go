package sessionfiber_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gostateful/session/core"
)

// store is the least that a Manager's requests need of a store.
type store struct {
	mu      sync.Mutex
	records map[session.ID]session.Record
	down    bool
}

func newStore() *store { return &store{records: map[session.ID]session.Record{}} }

var errDown = errors.New("connection refused")

func (s *store) Load(_ context.Context, id session.ID) (session.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[id]
	switch {
	case s.down:
		return session.Record{}, errDown
	case !ok:
		return session.Record{}, session.ErrNotFound
	}
	return r, nil
}

func (s *store) Create(_ context.Context, r session.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	s.records[r.ID] = r
	return nil
}

func (s *store) Update(_ context.Context, r session.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.down:
		return errDown
	case s.records[r.ID].Version != r.Version:
		return session.ErrConflict
	}
	r.Version++
	s.records[r.ID] = r
	return nil
}

// lose makes the store fail.
func (s *store) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
}

func (s *store) Touch(context.Context, session.ID, time.Time) error { return nil }

func (s *store) Delete(_ context.Context, id session.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, id)
	return nil
}

func (s *store) List(context.Context, string) ([]session.Record, error) { return nil, nil }

func (s *store) DeleteAll(context.Context, string, ...session.ID) (int, error) { return 0, nil }

// cart is the data of the tests.
type cart struct {
	Items []string
}

func add(item string) func(*cart) error {
	return func(c *cart) error {
		c.Items = append(c.Items, item)
		return nil
	}
}

// shop is a manager and its store.
type shop struct {
	*session.Manager[cart]
	store *store
}

func newShop(t testing.TB) shop {
	t.Helper()
	st := newStore()
	m, err := session.New[cart](st, nil)
	if err != nil {
		t.Fatal(err)
	}
	return shop{m, st}
}
