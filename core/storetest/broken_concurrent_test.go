package storetest_test

import (
	"context"
	"errors"
	"slices"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenConcurrency = []breakage{
	{law: "ConcurrentUse", name: "loads a record in two steps", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			s.gap()
			if later, err := s.reference.Load(ctx, id); err == nil {
				r.Data = later.Data
			}
			return r, err
		}
	}},
	{law: "ConcurrentUse", name: "updates a record in two steps", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			half := r
			if old, err := s.reference.Load(ctx, r.ID); err == nil {
				half.Data = old.Data
			}
			if err := s.reference.Update(ctx, half); err != nil {
				return err
			}
			s.gap()
			return s.Locked(ctx, func() error {
				if now, ok := s.Records[r.ID]; ok {
					now.Data = slices.Clone(r.Data)
					s.Records[r.ID] = now
				}
				return nil
			})
		}
	}},
	{law: "ConcurrentUse", name: "lists by an old index", spoil: func(s *spoiled) {
		s.list = func(ctx context.Context, subject string) (records []session.Record, err error) {
			found, err := s.reference.List(ctx, subject)
			s.gap()
			for _, r := range found {
				if now, err := s.reference.Load(ctx, r.ID); err == nil {
					records = append(records, now)
				}
			}
			return records, err
		}
	}},
	{law: "ConcurrentUse", name: "touches what it read before", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
			s.gap()
			return s.Locked(ctx, func() error {
				s.Records[id] = session.Record{ID: id, Version: s.Records[id].Version, ExpiresAt: at}
				return nil
			})
		}
	}},
	{law: "ConcurrentUse", name: "has deadlocks", spoil: func(s *spoiled) {
		busy := make(chan struct{}, 1)
		s.update = func(ctx context.Context, r session.Record) error {
			select {
			case busy <- struct{}{}:
				defer func() { <-busy }()
				s.gap()
				return s.reference.Update(ctx, r)
			default:
				return errors.New("deadlock found when trying to get lock")
			}
		}
	}},
}
