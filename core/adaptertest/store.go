package adaptertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/plainstore"
)

// A Store keeps sessions in memory, for the suite and for an adapter's own
// tests. The adapter's module then need not require a store. Make one with
// [NewStore]. It is safe for concurrent use.
type Store struct {
	kept session.Store

	mu      sync.Mutex
	noting  bool // the calls are noted
	calls   []string
	failing map[string]failure  // by method
	created map[session.ID]bool // what Create was called with, whatever it returned
}

// NewStore returns an empty store.
func NewStore() *Store { return newStore(plainstore.New()) }

func newStore(kept session.Store) *Store {
	return &Store{kept: kept, failing: map[string]failure{}, created: map[session.ID]bool{}}
}

// Lose makes all calls fail from now on, like calls to a server that is down.
func (s *Store) Lose() { s.fail(down, everyMethod...) }

// Len returns how many sessions there are, also while the store is lost.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	finder, err := session.New[any](s.kept, nil) // it ignores the records that logouts leave for a while
	if err != nil {
		return -1
	}
	n := 0
	for id := range s.created {
		if _, err := finder.Find(context.Background(), id); err == nil || errors.Is(err, session.ErrUndecodable) {
			n++
		}
	}
	return n
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

// address is the address of a store that cannot be reached. No client may see
// it.
const address = "192.0.2.7:6379"

// expireIn makes all sessions end after this time, as if they were last used a
// while ago.
func (s *Store) expireIn(t *testing.T, left time.Duration) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.created {
		r, err := s.kept.Load(t.Context(), id)
		if err == nil {
			r.ExpiresAt = time.Now().Add(left).UTC().Truncate(time.Millisecond)
			err = s.kept.Update(t.Context(), r)
		}
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			t.Fatal(err)
		}
	}
}

// call makes a call of the inner store, unless a law wants it to fail.
func (s *Store) call(ctx context.Context, method string, call func() error) error {
	s.mu.Lock()
	if s.noting {
		s.calls = append(s.calls, method)
	}
	how := s.failing[method]
	if how == loses {
		delete(s.failing, method)
	}
	s.mu.Unlock()
	switch how {
	case down:
		return errors.New("dial tcp " + address + ": connection refused")
	case hangs:
		<-ctx.Done()
	}
	err := call()
	if err == nil && how == loses {
		return errors.New("connection reset before the answer came")
	}
	return err
}

// Load implements session.Store, as do the other methods.
func (s *Store) Load(ctx context.Context, id session.ID) (r session.Record, err error) {
	err = s.call(ctx, "Load", func() (err error) {
		r, err = s.kept.Load(ctx, id)
		return err
	})
	return r, err
}

func (s *Store) Create(ctx context.Context, r session.Record) error {
	s.mu.Lock()
	s.created[r.ID] = true
	s.mu.Unlock()
	return s.call(ctx, "Create", func() error { return s.kept.Create(ctx, r) })
}

func (s *Store) Update(ctx context.Context, r session.Record) error {
	return s.call(ctx, "Update", func() error { return s.kept.Update(ctx, r) })
}

func (s *Store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	return s.call(ctx, "Touch", func() error { return s.kept.Touch(ctx, id, expiresAt) })
}

func (s *Store) Delete(ctx context.Context, id session.ID) error {
	return s.call(ctx, "Delete", func() error { return s.kept.Delete(ctx, id) })
}

func (s *Store) List(ctx context.Context, subject string) (records []session.Record, err error) {
	err = s.call(ctx, "List", func() (err error) {
		records, err = s.kept.List(ctx, subject)
		return err
	})
	return records, err
}

func (s *Store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
	err = s.call(ctx, "DeleteAll", func() (err error) {
		n, err = s.kept.DeleteAll(ctx, subject, except...)
		return err
	})
	return n, err
}

func (s *Store) fail(how failure, methods ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, method := range methods {
		s.failing[method] = how
	}
}

func (s *Store) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.failing)
}

// took returns the noted calls since it was last called, such as "Load Update".
func (s *Store) took() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return strings.Join(calls, " ")
}
