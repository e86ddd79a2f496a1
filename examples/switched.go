package main

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

// A fullStore is a store that can do all that a store can.
type fullStore interface {
	session.Iterable
	session.Watchable
}

// A switched store can be stopped, to show what happens then. It refuses all calls
// until it is started, or for a minute.
type switched struct {
	fullStore
	mu      sync.Mutex // guards the fields below
	stopped time.Time
	refused int
}

var errStopped = errors.New("the store is stopped by the page of proofs")

func (s *switched) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped, s.refused = time.Now(), 0
}

// start returns when the store was stopped, and how many calls it has refused since.
func (s *switched) start() (stopped time.Time, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stopped, refused = s.stopped, s.refused
	s.stopped, s.refused = time.Time{}, 0
	return stopped, refused
}

func (s *switched) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.stopped) < time.Minute
}

func (s *switched) refuse() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.stopped) >= time.Minute {
		return nil
	}
	s.refused++
	return errStopped
}

func (s *switched) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := s.refuse(); err != nil {
		return session.Record{}, err
	}
	return s.fullStore.Load(ctx, id)
}

func (s *switched) Create(ctx context.Context, r session.Record) error {
	if err := s.refuse(); err != nil {
		return err
	}
	return s.fullStore.Create(ctx, r)
}

func (s *switched) Update(ctx context.Context, r session.Record) error {
	if err := s.refuse(); err != nil {
		return err
	}
	return s.fullStore.Update(ctx, r)
}

func (s *switched) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	if err := s.refuse(); err != nil {
		return err
	}
	return s.fullStore.Touch(ctx, id, expiresAt)
}

func (s *switched) Delete(ctx context.Context, id session.ID) error {
	if err := s.refuse(); err != nil {
		return err
	}
	return s.fullStore.Delete(ctx, id)
}

func (s *switched) List(ctx context.Context, subject string) ([]session.Record, error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	return s.fullStore.List(ctx, subject)
}

func (s *switched) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	if err := s.refuse(); err != nil {
		return 0, err
	}
	return s.fullStore.DeleteAll(ctx, subject, except...)
}

func (s *switched) Versions(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	return s.fullStore.Versions(ctx, ids)
}

func (s *switched) All(ctx context.Context) iter.Seq2[session.Record, error] {
	if err := s.refuse(); err != nil {
		return func(yield func(session.Record, error) bool) { yield(session.Record{}, err) }
	}
	return s.fullStore.All(ctx)
}
