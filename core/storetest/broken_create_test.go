package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenCreate = []breakage{
	{law: "CreateThenLoad", name: "loses the subject", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			r.Subject = ""
			return r, err
		}
	}},
	{law: "CreateThenLoad", name: "keeps seconds", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) { r.ExpiresAt = r.ExpiresAt.Truncate(time.Second) })
	}},
	{law: "CreateThenLoad", name: "keeps the wall clock of another zone", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) {
			_, offset := r.ExpiresAt.Zone()
			r.ExpiresAt = r.ExpiresAt.Add(time.Duration(offset) * time.Second).UTC()
		})
	}},
	{law: "CreateThenLoad", name: "rounds up to a second what is finer than a millisecond", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) {
			if r.ExpiresAt.Nanosecond()%1e6 != 0 {
				r.ExpiresAt = r.ExpiresAt.Truncate(time.Second).Add(time.Second)
			}
		})
	}},
	{law: "CreateThenLoad", name: "returns the last record", spoil: func(s *spoiled) {
		var last session.ID
		s.create = func(ctx context.Context, r session.Record) error {
			last = r.ID
			return s.reference.Create(ctx, r)
		}
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			return s.reference.Load(ctx, last)
		}
	}},
	{law: "CreateKeepsVersion", name: "begins to count at 1", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			r.Version = 1
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "CreateKeepsVersion", name: "counts in floating point", spoil: func(s *spoiled) {
		s.onRead(func(r *session.Record) { r.Version = uint64(math.Min(float64(r.Version), 1<<62)) })
	}},
	{law: "CreateOverLiveFails", name: "overwrites", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			return s.Locked(ctx, func() error { s.Put(r); return nil })
		}
	}},
	{law: "CreateOverLiveFails", name: "overwrites and says ErrExists", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			return s.Locked(ctx, func() error {
				_, err := s.Live(r.ID)
				if s.Put(r); err == nil {
					return session.ErrExists
				}
				return nil
			})
		}
	}},
	{law: "CreateOverLiveFails", name: "says ErrConflict", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			err := s.reference.Create(ctx, r)
			if errors.Is(err, session.ErrExists) {
				err = session.ErrConflict
			}
			return err
		}
	}},
	{law: "CreateOverLiveFails", name: "takes the same record twice", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			old, _ := s.reference.Load(ctx, r.ID)
			if err := s.reference.Create(ctx, r); err == nil || !bytes.Equal(old.Data, r.Data) {
				return err
			}
			return nil
		}
	}},
	{law: "CreateOverLiveFails", name: "takes a past expiry for a deletion", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if past(r.ExpiresAt) {
				return s.reference.Delete(ctx, r.ID)
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "CreateIsAtomic", name: "looks before it writes", spoil: lookThenCreate},
	{law: "CreateIsAtomic", name: "lists the losers", spoil: func(s *spoiled) {
		seen := map[string]session.ID{}
		s.create = func(ctx context.Context, r session.Record) error {
			s.Mu.Lock()
			seen[r.Subject] = r.ID
			s.Mu.Unlock()
			return s.reference.Create(ctx, r)
		}
		s.list = func(ctx context.Context, subject string) (records []session.Record, err error) {
			s.Mu.Lock()
			id := seen[subject]
			s.Mu.Unlock()
			if r, err := s.reference.Load(ctx, id); err == nil {
				records = append(records, r)
			}
			return records, ctx.Err()
		}
	}},
	{law: "CreateIsAtomic", name: "lets nobody win", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if err := s.reference.Create(ctx, r); err != nil {
				return err
			}
			return session.ErrExists
		}
	}},
	{law: "CreateOverExpired", name: "finds expired records to exist", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			err := s.Locked(ctx, func() error {
				if _, ok := s.Records[r.ID]; ok {
					return session.ErrExists
				}
				return nil
			})
			if err != nil {
				return err
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "CreateOverExpired", name: "keeps the old subject", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if old := s.Records[r.ID]; old.Subject != "" {
				r.Subject = old.Subject
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "CreateOverExpired", name: "looks before it writes", spoil: lookThenCreate},
	{law: "ZeroIDIsInvalid", name: "takes it", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			return s.Locked(ctx, func() error { s.Put(r); return nil })
		}
	}},
	{law: "ZeroIDIsInvalid", name: "refuses it and keeps it", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			s.Put(r)
			return errors.New("zero")
		}
	}},
	{law: "ZeroIDIsInvalid", name: "updates it", spoil: func(s *spoiled) {
		s.update = func(context.Context, session.Record) error { return nil }
	}},
	{law: "ZeroIDIsInvalid", name: "touches it", spoil: func(s *spoiled) {
		s.touch = func(context.Context, session.ID, time.Time) error { return nil }
	}},
	{law: "IDsAreExact", name: "trims spaces and NULs", spoil: mangleIDs(func(b []byte) []byte { return bytes.TrimRight(b, " \x00") })},
	{law: "IDsAreExact", name: "reads IDs without their spaces at the end", spoil: func(s *spoiled) {
		s.onRead(func(r *session.Record) { copy(r.ID[len(bytes.TrimRight(r.ID[:], " ")):], make([]byte, 16)) })
	}},
	{law: "IDsAreExact", name: "folds case", spoil: mangleIDs(bytes.ToUpper)},
	{law: "IDsAreExact", name: "looks at the end only", spoil: mangleIDs(func(b []byte) []byte { return b[1:] })},
	{law: "LoadOfAbsent", name: "says nothing", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, _ := s.reference.Load(ctx, id)
			return r, nil
		}
	}},
	{law: "LoadOfAbsent", name: "has an error of its own", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			if err != nil {
				err = errors.New("no rows")
			}
			return r, err
		}
	}},
}

// lookThenCreate is not atomic.
func lookThenCreate(s *spoiled) {
	s.create = func(ctx context.Context, r session.Record) error {
		if _, err := s.reference.Load(ctx, r.ID); err == nil {
			return session.ErrExists
		}
		s.gap()
		return s.Locked(ctx, func() error { s.Put(r); return nil })
	}
}

// mangleIDs stores under keys that leave out something of the ID: whatever
// record is there under such a key is taken for the one that is wanted.
func mangleIDs(key func(id []byte) []byte) func(s *spoiled) {
	return func(s *spoiled) {
		first := map[string]session.ID{}
		s.create = func(ctx context.Context, r session.Record) error {
			k := string(key(r.ID[:]))
			if _, ok := first[k]; ok {
				return session.ErrExists
			}
			first[k] = r.ID
			return s.reference.Create(ctx, r)
		}
	}
}
