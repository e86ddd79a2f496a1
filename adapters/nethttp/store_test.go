package nethttp_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gostateful/session/core"
)

// store is the least that a Manager's requests need of a store.
type store struct {
	mu      sync.Mutex
	records map[session.ID]session.Record
	down    atomic.Bool
}

var errDown = errors.New("connection refused")

func (s *store) lock() (unlock func(), err error) {
	if s.down.Load() {
		return nil, errDown
	}
	s.mu.Lock()
	return s.mu.Unlock, nil
}

func (s *store) Load(_ context.Context, id session.ID) (session.Record, error) {
	unlock, err := s.lock()
	if err != nil {
		return session.Record{}, err
	}
	defer unlock()
	r, ok := s.records[id]
	if !ok {
		return session.Record{}, session.ErrNotFound
	}
	return r, nil
}

func (s *store) Create(_ context.Context, r session.Record) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	s.records[r.ID] = r
	return nil
}

func (s *store) Update(_ context.Context, r session.Record) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if s.records[r.ID].Version != r.Version {
		return session.ErrConflict
	}
	r.Version++
	s.records[r.ID] = r
	return nil
}

func (s *store) Touch(context.Context, session.ID, time.Time) error { return nil }

func (s *store) Delete(_ context.Context, id session.ID) error {
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
	st := &store{records: map[session.ID]session.Record{}}
	m, err := session.New[cart](st, nil)
	if err != nil {
		t.Fatal(err)
	}
	return shop{m, st}
}
