package storetest_test

import (
	"context"
	"errors"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenExpiry = []breakage{
	{law: "ExpiresToTheMillisecond", name: "expires a millisecond late", spoil: shiftExpiry(time.Millisecond)},
	{law: "ExpiresToTheMillisecond", name: "expires a millisecond early", spoil: shiftExpiry(-time.Millisecond)},
	{law: "ExpiresToTheMillisecond", name: "shows expired records until they are swept", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			err := session.ErrNotFound
			r, ok := s.Records[id]
			if ok {
				err = ctx.Err()
			}
			return r, err
		}
	}},
	{law: "ExpiresToTheMillisecond", name: "lists expired records", spoil: listExpired},
	{law: "ExpiresToTheMillisecond", name: "counts expired records", spoil: countExpired},
	{law: "PastExpiryIsNotForever", name: "takes zero for ever", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if r.ExpiresAt.IsZero() {
				r.ExpiresAt = time.Now().Add(1000 * time.Hour)
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "PastExpiryIsNotForever", name: "takes what is before 1970 for ever", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if r.ExpiresAt.Unix() < 0 && !r.ExpiresAt.IsZero() {
				r.ExpiresAt = time.Now().Add(1000 * time.Hour)
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "PastExpiryIsNotForever", name: "takes a TTL of zero for ever", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if time.Until(r.ExpiresAt) == 0 {
				r.ExpiresAt = time.Now().Add(1000 * time.Hour)
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "PastExpiryIsNotForever", name: "rounds up to a millisecond", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if past(r.ExpiresAt) {
				r.ExpiresAt = time.Now().Add(time.Millisecond)
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "PastExpiryIsNotForever", name: "says ErrConflict", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if past(r.ExpiresAt) {
				return session.ErrConflict
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "FarExpiry", name: "counts seconds in 32 bits", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) { r.ExpiresAt = time.Unix(int64(int32(r.ExpiresAt.Unix())), 0) })
	}},
	{law: "FarExpiry", name: "refuses more than a year in Touch", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
			if time.Until(at) > 366*24*time.Hour {
				return errors.New("invalid expire time")
			}
			return s.reference.Touch(ctx, id, at)
		}
	}},
}

// shiftExpiry makes Load late or early.
func shiftExpiry(by time.Duration) func(s *spoiled) {
	return func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, ok := s.Records[id]
			if !ok || past(r.ExpiresAt.Add(by)) {
				return session.Record{}, session.ErrNotFound
			}
			return r, ctx.Err()
		}
	}
}

func listExpired(s *spoiled) {
	s.list = func(ctx context.Context, subject string) (records []session.Record, err error) {
		err = s.Locked(ctx, func() error {
			for _, r := range s.Records {
				if r.Subject == subject {
					records = append(records, r)
				}
			}
			return nil
		})
		return records, err
	}
}

func countExpired(s *spoiled) {
	s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
		err = s.Locked(ctx, func() error {
			for _, r := range s.Records {
				if r.Subject == subject && past(r.ExpiresAt) {
					delete(s.Records, r.ID)
					n++
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		live, err := s.reference.DeleteAll(ctx, subject, except...)
		return n + live, err
	}
}
