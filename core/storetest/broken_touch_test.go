package storetest_test

import (
	"context"
	"errors"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenTouch = []breakage{
	{law: "TouchMovesExpiry", name: "does nothing", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, _ time.Time) error {
			_, err := s.reference.Load(ctx, id)
			return err
		}
	}},
	{law: "TouchMovesExpiry", name: "gives an hour, whatever it is asked", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, _ time.Time) error {
			return s.reference.Touch(ctx, id, time.Now().Add(time.Hour).Truncate(time.Millisecond))
		}
	}},
	{law: "TouchMovesNothingElse", name: "counts the version", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error {
			r.Version++
			r.ExpiresAt = at
			return nil
		})
	}},
	{law: "TouchMovesNothingElse", name: "loses the data", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error {
			*r = session.Record{ID: r.ID, Version: r.Version, Subject: r.Subject, ExpiresAt: at}
			return nil
		})
	}},
	{law: "TouchMovesNothingElse", name: "loses the subject", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error {
			r.Subject, r.ExpiresAt = "", at
			return nil
		})
	}},
	{law: "TouchNeverShortens", name: "moves to any time", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error { r.ExpiresAt = at; return nil })
	}},
	{law: "TouchNeverShortens", name: "deletes at a past time", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error {
			if at.After(r.ExpiresAt) || past(at) {
				r.ExpiresAt = at
			}
			return nil
		})
	}},
	{law: "TouchNeverShortens", name: "takes zero for ever", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error {
			if at.IsZero() {
				at = time.Now().Add(1000 * time.Hour)
			}
			if at.After(r.ExpiresAt) {
				r.ExpiresAt = at
			}
			return nil
		})
	}},
	{law: "TouchNeverShortens", name: "counts changed rows", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error {
			if !at.After(r.ExpiresAt) {
				return session.ErrNotFound
			}
			r.ExpiresAt = at
			return nil
		})
	}},
	{law: "TouchNeverShortens", name: "looks before it writes", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
			r, err := s.reference.Load(ctx, id)
			if err != nil || !at.After(r.ExpiresAt) {
				return err
			}
			s.gap()
			return s.Locked(ctx, func() error {
				r := s.Records[id]
				r.ExpiresAt = at
				s.Records[id] = r
				return nil
			})
		}
	}},
	{law: "TouchOfAbsent", name: "says nothing", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
			_ = s.reference.Touch(ctx, id, at)
			return ctx.Err()
		}
	}},
	{law: "TouchOfAbsent", name: "says nothing to a past time", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
			if past(at) {
				return ctx.Err()
			}
			return s.reference.Touch(ctx, id, at)
		}
	}},
	{law: "TouchOfAbsent", name: "makes an empty record", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
			err := s.reference.Touch(ctx, id, at)
			if errors.Is(err, session.ErrNotFound) {
				_ = s.reference.Create(ctx, session.Record{ID: id, ExpiresAt: at})
			}
			return err
		}
	}},
	{law: "TouchAfterDelete", name: "brings it back", spoil: reviveOnTouch},
	{law: "TouchAfterDeleteAll", name: "brings it back", spoil: reviveOnTouch},
	{law: "TouchAfterExpiry", name: "brings it back", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error {
			if at.After(r.ExpiresAt) {
				r.ExpiresAt = at
			}
			return nil
		})
	}},
	{law: "TouchAfterExpiry", name: "says nothing", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error {
			if at.After(r.ExpiresAt) && !past(r.ExpiresAt) {
				r.ExpiresAt = at
			}
			return nil
		})
	}},
	{law: "TouchLosesNoUpdate", name: "writes back what it read", spoil: loadThenTouch},
}

func reviveOnTouch(s *spoiled) {
	removed := s.tombs()
	s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
		err := s.reference.Touch(ctx, id, at)
		if old, ok := removed[id]; ok && errors.Is(err, session.ErrNotFound) {
			old.ExpiresAt = at
			return s.reference.Create(ctx, old)
		}
		return err
	}
}

// loadThenTouch is not atomic.
func loadThenTouch(s *spoiled) {
	s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
		r, err := s.reference.Load(ctx, id)
		if err != nil || !at.After(r.ExpiresAt) {
			return err
		}
		s.gap()
		r.ExpiresAt = at
		return s.Locked(ctx, func() error { s.Put(r); return nil })
	}
}
