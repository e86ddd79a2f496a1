package attacks

import (
	"context"
	"sync/atomic"
	"time"

	session "github.com/gostateful/session/core"
)

// A counted store counts the calls.
type counted struct {
	session.Store
	loads, writes, lists atomic.Int64
	update               atomic.Pointer[func(session.Record)] // is called before each
}

// holdUpdates has hold called before each update.
func (s *counted) holdUpdates(hold func(session.Record)) { s.update.Store(&hold) }

// calls are those since they were last asked for.
func (s *counted) calls() (loads, writes, lists int64) {
	return s.loads.Swap(0), s.writes.Swap(0), s.lists.Swap(0)
}

func (s *counted) Load(ctx context.Context, id session.ID) (session.Record, error) {
	s.loads.Add(1)
	return s.Store.Load(ctx, id)
}

func (s *counted) Create(ctx context.Context, r session.Record) error {
	s.writes.Add(1)
	return s.Store.Create(ctx, r)
}

func (s *counted) Update(ctx context.Context, r session.Record) error {
	s.writes.Add(1)
	if hold := s.update.Load(); hold != nil {
		(*hold)(r)
	}
	return s.Store.Update(ctx, r)
}

func (s *counted) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	s.writes.Add(1)
	return s.Store.Touch(ctx, id, expiresAt)
}

func (s *counted) Delete(ctx context.Context, id session.ID) error {
	s.writes.Add(1)
	return s.Store.Delete(ctx, id)
}

func (s *counted) List(ctx context.Context, subject string) ([]session.Record, error) {
	s.lists.Add(1)
	return s.Store.List(ctx, subject)
}

func (s *counted) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	s.writes.Add(1)
	return s.Store.DeleteAll(ctx, subject, except...)
}
