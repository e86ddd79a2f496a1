package storetest_test

import (
	"context"
	"errors"

	session "github.com/gostateful/session/core"
)

var brokenDelete = []breakage{
	{law: "DeleteRemoves", name: "does nothing", spoil: func(s *spoiled) {
		s.delete = func(ctx context.Context, _ session.ID) error { return ctx.Err() }
	}},
	{law: "DeleteRemoves", name: "removes all of the subject", spoil: func(s *spoiled) {
		s.delete = func(ctx context.Context, id session.ID) error {
			r, err := s.reference.Load(ctx, id)
			if err == nil {
				_, err = s.reference.DeleteAll(ctx, r.Subject)
			}
			return err
		}
	}},
	{law: "DeleteRemoves", name: "still lists it", spoil: func(s *spoiled) {
		removed := s.tombs()
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			for _, r := range removed {
				if r.Subject == subject {
					records = append(records, r)
				}
			}
			return records, err
		}
	}},
	{law: "DeleteOfAbsent", name: "says ErrNotFound", spoil: func(s *spoiled) {
		s.delete = func(ctx context.Context, id session.ID) error {
			if _, err := s.reference.Load(ctx, id); err != nil {
				return err
			}
			return s.reference.Delete(ctx, id)
		}
	}},
	{law: "DeleteOfAbsent", name: "fails on an expired record", spoil: func(s *spoiled) {
		s.delete = func(ctx context.Context, id session.ID) error {
			if r, ok := s.Records[id]; ok && past(r.ExpiresAt) {
				return errors.New("expired")
			}
			return s.reference.Delete(ctx, id)
		}
	}},
	{law: "DeletedIDIsFree", name: "remembers deleted IDs", spoil: func(s *spoiled) {
		removed := s.tombs()
		s.create = func(ctx context.Context, r session.Record) error {
			if _, ok := removed[r.ID]; ok {
				return session.ErrExists
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "DeletedIDIsFree", name: "goes on with the old version", spoil: func(s *spoiled) {
		removed := s.tombs()
		s.create = func(ctx context.Context, r session.Record) error {
			if old, ok := removed[r.ID]; ok {
				r.Version = old.Version
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "DeleteWins", name: "touches what it read before", spoil: loadThenTouch},
	{law: "DeleteWins", name: "updates what it read before", spoil: lookThenUpdate},
	{law: "DeleteWins", name: "does nothing", spoil: func(s *spoiled) {
		s.delete = func(ctx context.Context, _ session.ID) error { return ctx.Err() }
	}},
}
