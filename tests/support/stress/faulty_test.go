package stress_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// A faulty store fails while it is down: it does every other call, and never
// says what came of it.
type faulty struct {
	mu      sync.RWMutex // guards store
	store   session.Store
	down    atomic.Bool
	calls   atomic.Int64
	forgets bool // what it had before it was down
}

func newFaulty(s session.Store) *faulty { return &faulty{store: s} }

func (f *faulty) up() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.forgets {
		f.store = memory.New(nil)
	}
	f.down.Store(false)
}

func (f *faulty) call(do func(session.Store) error) error {
	<-time.After(100 * time.Microsecond) // on the way, as to any backend: without it no calls overlap
	f.mu.RLock()
	defer f.mu.RUnlock()
	if !f.down.Load() {
		return do(f.store)
	}
	if f.calls.Add(1)%2 == 0 {
		_ = do(f.store)
	}
	return errors.New("the backend is down")
}

func (f *faulty) Load(ctx context.Context, id session.ID) (r session.Record, err error) {
	err = f.call(func(s session.Store) error { r, err = s.Load(ctx, id); return err })
	return r, err
}

func (f *faulty) Create(ctx context.Context, r session.Record) error {
	return f.call(func(s session.Store) error { return s.Create(ctx, r) })
}

func (f *faulty) Update(ctx context.Context, r session.Record) error {
	return f.call(func(s session.Store) error { return s.Update(ctx, r) })
}

func (f *faulty) Touch(ctx context.Context, id session.ID, at time.Time) error {
	return f.call(func(s session.Store) error { return s.Touch(ctx, id, at) })
}

func (f *faulty) Delete(ctx context.Context, id session.ID) error {
	return f.call(func(s session.Store) error { return s.Delete(ctx, id) })
}

func (f *faulty) List(ctx context.Context, subject string) (list []session.Record, err error) {
	err = f.call(func(s session.Store) error { list, err = s.List(ctx, subject); return err })
	return list, err
}

func (f *faulty) DeleteAll(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
	err = f.call(func(s session.Store) error { n, err = s.DeleteAll(ctx, subject, except...); return err })
	return n, err
}

// What is wrong with the others is in their names.
type (
	late struct {
		session.Store
		before sync.Map // by ID, the record before the last Update
	}
	anyVersion  struct{ session.Store }
	noUpdate    struct{ session.Store }
	revives     struct{ session.Store }
	deadlock    struct{ session.Store }
	noDelete    struct{ session.Store }
	noDeleteAll struct{ session.Store }
	noList      struct{ session.Store }
)

func (s *late) Load(ctx context.Context, id session.ID) (session.Record, error) {
	r, err := s.Store.Load(ctx, id)
	if before, ok := s.before.LoadAndDelete(id); ok && err == nil {
		return before.(session.Record), nil
	}
	return r, err
}

func (s *late) Update(ctx context.Context, r session.Record) error {
	before, _ := s.Store.Load(ctx, r.ID)
	err := s.Store.Update(ctx, r)
	if err == nil {
		s.before.Store(r.ID, before)
	}
	return err
}

func (s anyVersion) Update(ctx context.Context, r session.Record) error {
	for {
		err := s.Store.Update(ctx, r)
		if !errors.Is(err, session.ErrConflict) {
			return err
		}
		now, err := s.Load(ctx, r.ID)
		if err != nil {
			return err
		}
		r.Version = now.Version
	}
}

func (noUpdate) Update(context.Context, session.Record) error { return nil }

func (s revives) Update(ctx context.Context, r session.Record) error {
	err := s.Store.Update(ctx, r)
	if errors.Is(err, session.ErrNotFound) {
		r.Version++
		err = s.Create(ctx, r)
	}
	return err
}

func (s deadlock) Update(ctx context.Context, r session.Record) error {
	err := s.Store.Update(ctx, r)
	if errors.Is(err, session.ErrConflict) {
		return errors.New("deadlock")
	}
	return err
}

func (noDelete) Delete(context.Context, session.ID) error { return nil }

func (noDeleteAll) DeleteAll(context.Context, string, ...session.ID) (int, error) { return 0, nil }

func (noList) List(context.Context, string) ([]session.Record, error) { return nil, nil }

// A recorder is a test that may fail.
type recorder struct {
	testing.TB
	failed atomic.Bool
}

func (r *recorder) Errorf(string, ...any) { r.failed.Store(true) }

func (r *recorder) FailNow() {
	r.failed.Store(true)
	runtime.Goexit()
}

func (r *recorder) Failed() bool { return r.failed.Load() }

func (r *recorder) Logf(string, ...any) {}
