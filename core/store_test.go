package session_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/plainstore"
)

// testStore has a hook: before a call it may fail it, or let something else
// happen first; after a call it may lose the answer.
type testStore struct {
	*plainstore.Store // its Mu guards what follows too, but for hang

	calls []string // in lower case
	seen  [][]byte // all data that was ever written
	hang  bool     // no call returns before its context is done
	full  bool     // no record is taken, but one that has expired: which removes what is there

	before func(method string, id session.ID) error
	after  func(method string, id session.ID) error
}

func newTestStore() *testStore {
	s := &testStore{Store: plainstore.New()}
	s.Around = s.around
	return s
}

var errDown = errors.New("connection refused")

func (s *testStore) around(ctx context.Context, method string, id session.ID, call func() error) error {
	method = strings.ToLower(method)
	s.Mu.Lock()
	before, after := s.before, s.after
	s.calls = append(s.calls, method)
	s.Mu.Unlock()
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
	if err := call(); err != nil {
		return err
	}
	if method == "create" || method == "update" {
		s.Mu.Lock()
		s.seen = append(s.seen, bytes.Clone(s.Records[id].Data))
		s.Mu.Unlock()
	}
	if after != nil {
		return after(method, id)
	}
	return nil
}

// took returns the calls since it was last asked.
func (s *testStore) took() []string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *testStore) hook(before, after func(method string, id session.ID) error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
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

// Update refuses what a full store has no room for.
func (s *testStore) Update(ctx context.Context, r session.Record) error {
	if s.full && (r.ExpiresAt.IsZero() || time.Now().Before(r.ExpiresAt)) {
		return errDown
	}
	return s.Store.Update(ctx, r)
}

func (s *testStore) count() int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	n := 0
	for _, r := range s.Records {
		if !session.IsTombstone(r) {
			n++
		}
	}
	return n
}
