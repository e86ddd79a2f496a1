package storetest_test

import (
	"context"
	"errors"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenUpdate = []breakage{
	{law: "UpdateReplaces", name: "keeps the subject", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) { r.Subject = old.Subject })
	}},
	{law: "UpdateReplaces", name: "keeps the expiry", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) { r.ExpiresAt = old.ExpiresAt })
	}},
	{law: "UpdateReplaces", name: "keeps the end of longer data", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if len(r.Data) < len(old.Data) {
				r.Data = append(r.Data, old.Data[len(r.Data):]...)
			}
		})
	}},
	{law: "UpdateReplaces", name: "keeps the version where nothing else changes", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			if old, err := s.reference.Load(ctx, r.ID); err == nil && string(old.Data) == string(r.Data) {
				return nil
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "UpdateOnlyOverItsVersion", name: "ignores the version", spoil: ignoreVersion},
	{law: "UpdateOnlyOverItsVersion", name: "takes a higher version", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.Version > old.Version {
				old.Version = r.Version
			}
		})
	}},
	{law: "UpdateOnlyOverItsVersion", name: "takes version zero for any", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.Version == 0 {
				r.Version = old.Version
			}
		})
	}},
	{law: "UpdateOnlyOverItsVersion", name: "moves the subject before it looks", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) { old.Subject = r.Subject })
	}},
	{law: "UpdateOnlyOverItsVersion", name: "says ErrNotFound", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			err := s.reference.Update(ctx, r)
			if errors.Is(err, session.ErrConflict) {
				err = session.ErrNotFound
			}
			return err
		}
	}},
	{law: "UpdateIsAtomic", name: "looks before it writes", spoil: lookThenUpdate},
	{law: "UpdateLosesNothing", name: "looks before it writes", spoil: lookThenUpdate},
	{law: "UpdateLosesNothing", name: "loses one in ten", spoil: func(s *spoiled) {
		n := 0
		s.onUpdate(func(old, r *session.Record) {
			if n++; n%10 == 0 && r.Version == old.Version {
				r.Data = old.Data
			}
		})
	}},
	{law: "UpdateOfAbsent", name: "inserts", spoil: upsert},
	{law: "UpdateOfAbsent", name: "says ErrConflict", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			err := s.reference.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) {
				err = session.ErrConflict
			}
			return err
		}
	}},
	{law: "UpdateOfAbsent", name: "says nothing where the expiry has passed", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			err := s.reference.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) && past(r.ExpiresAt) {
				err = nil
			}
			return err
		}
	}},
	{law: "UpdateAfterDelete", name: "brings it back", spoil: reviveOnUpdate},
	{law: "UpdateAfterDelete", name: "brings back the old record and says ErrNotFound", spoil: func(s *spoiled) {
		removed := s.tombs()
		s.update = func(ctx context.Context, r session.Record) error {
			err := s.reference.Update(ctx, r)
			if old, ok := removed[r.ID]; ok {
				s.Put(old)
			}
			return err
		}
	}},
	{law: "UpdateAfterDeleteAll", name: "brings it back", spoil: reviveOnUpdate},
	{law: "UpdateAfterExpiry", name: "brings it back", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if past(old.ExpiresAt) && !past(r.ExpiresAt) {
				old.ExpiresAt = r.ExpiresAt
			}
		})
	}},
	{law: "UpdateAfterExpiry", name: "says ErrConflict", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			err := s.reference.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) && s.Records[r.ID].Version != r.Version {
				err = session.ErrConflict
			}
			return err
		}
	}},
	{law: "UpdateMovesExpiry", name: "never shortens", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.ExpiresAt.Before(old.ExpiresAt) {
				r.ExpiresAt = old.ExpiresAt
			}
		})
	}},
	{law: "UpdateMovesExpiry", name: "never extends", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.ExpiresAt.After(old.ExpiresAt) {
				r.ExpiresAt = old.ExpiresAt
			}
		})
	}},
	{law: "UpdateIntoThePastDeletes", name: "takes Unix time 0 for the zero time", spoil: unixZeroKeeps},
	{law: "UpdateIntoThePastDeletes", name: "takes the first second of the year 1 for the zero time", spoil: func(s *spoiled) {
		s.onUpdate(func(_, r *session.Record) {
			if r.ExpiresAt.Truncate(time.Second).IsZero() {
				r.ExpiresAt = time.Time{}
			}
		})
	}},
	{law: "UpdateIntoThePastDeletes", name: "keeps the expiry over any that has passed", spoil: func(s *spoiled) {
		s.onUpdate(func(_, r *session.Record) {
			if past(r.ExpiresAt) {
				r.ExpiresAt = time.Time{}
			}
		})
	}},
	{law: "UpdateIntoThePastDeletes", name: "refuses it", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			if err := s.reference.Update(ctx, r); err != nil || !past(r.ExpiresAt) {
				return err
			}
			return errors.New("invalid expire time")
		}
	}},
	{law: "UpdateIntoThePastDeletes", name: "deletes over any version", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if past(r.ExpiresAt) {
				r.Version = old.Version
			}
		})
	}},
	{law: "UpdateIntoThePastDeletes", name: "keeps the record as it was", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			if old, err := s.reference.Load(ctx, r.ID); err == nil && old.Version == r.Version && past(r.ExpiresAt) {
				return nil
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "UpdateKeepsExpiry", name: "takes zero for a time that has passed", spoil: zeroPasses},
	{law: "UpdateKeepsExpiry", name: "takes zero for ever", spoil: func(s *spoiled) {
		s.onUpdate(func(_, r *session.Record) {
			if r.ExpiresAt.IsZero() {
				r.ExpiresAt = time.Now().Add(1000 * time.Hour)
			}
		})
	}},
	{law: "UpdateKeepsExpiry", name: "refuses zero", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			if r.ExpiresAt.IsZero() {
				return errors.New("invalid expire time")
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "UpdateKeepsExpiry", name: "keeps the subject with the expiry", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.ExpiresAt.IsZero() {
				r.Subject = old.Subject
			}
		})
	}},
	{law: "UpdateKeepsExpiry", name: "keeps the data with the expiry", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.ExpiresAt.IsZero() {
				r.Data = old.Data
			}
		})
	}},
	{law: "UpdateKeepsExpiry", name: "keeps the version with the expiry", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.ExpiresAt.IsZero() && r.Version == old.Version {
				old.Version--
				r.Version--
			}
		})
	}},
	{law: "UpdateKeepsExpiry", name: "ignores the version where it keeps the expiry", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.ExpiresAt.IsZero() {
				r.Version = old.Version
			}
		})
	}},
	{law: "UpdateKeepsExpiry", name: "counts it as a use", spoil: func(s *spoiled) {
		s.onUpdate(func(_, r *session.Record) {
			if r.ExpiresAt.IsZero() {
				r.ExpiresAt = time.Now().Add(time.Hour + time.Minute)
			}
		})
	}},
	{law: "UpdateKeepsTouchedExpiry", name: "keeps the expiry of the last Create or Update", spoil: keepCreated},
	{law: "UpdateKeepsTouchedExpiry", name: "keeps an expiry of a day at most", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if day := time.Now().Add(24 * time.Hour); r.ExpiresAt.IsZero() && old.ExpiresAt.After(day) {
				r.ExpiresAt = day
			}
		})
	}},
	{law: "UpdateLosesNoTouch", name: "reads the expiry before it writes", spoil: readThenKeep},
	{law: "UpdateKeepingExpiryRevivesNothing", name: "inserts", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			err := s.reference.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) && r.ExpiresAt.IsZero() {
				r.ExpiresAt = time.Now().Add(time.Hour)
				err = s.reference.Create(ctx, r)
			}
			return err
		}
	}},
	{law: "UpdateKeepingExpiryRevivesNothing", name: "brings back what has expired", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.ExpiresAt.IsZero() && !old.ID.IsZero() && past(old.ExpiresAt) {
				old.ExpiresAt = time.Now().Add(time.Hour)
			}
		})
	}},
	{law: "UpdateKeepingExpiryRevivesNothing", name: "says nothing", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			err := s.reference.Update(ctx, r)
			if errors.Is(err, session.ErrNotFound) && r.ExpiresAt.IsZero() {
				err = nil
			}
			return err
		}
	}},
	{law: "UpdateIntoThePastDeletes", name: "lists what it deleted", spoil: func(s *spoiled) {
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
	}},
}

// unixZeroKeeps takes the start of Unix time for a time that is not given.
func unixZeroKeeps(s *spoiled) {
	s.onUpdate(func(_, r *session.Record) {
		if r.ExpiresAt.Unix() == 0 {
			r.ExpiresAt = time.Time{}
		}
	})
}

// zeroPasses takes the zero time for one that has passed.
func zeroPasses(s *spoiled) {
	s.onUpdate(func(_, r *session.Record) {
		if r.ExpiresAt.IsZero() {
			r.ExpiresAt = time.Unix(0, 0)
		}
	})
}

// keepCreated keeps the expiry that the record was created with, whatever a
// touch has made of it.
func keepCreated(s *spoiled) {
	created := map[session.ID]time.Time{}
	s.create = func(ctx context.Context, r session.Record) error {
		err := s.reference.Create(ctx, r)
		if err == nil {
			created[r.ID] = r.ExpiresAt
		}
		return err
	}
	s.onUpdate(func(_, r *session.Record) {
		if r.ExpiresAt.IsZero() {
			r.ExpiresAt = created[r.ID]
		} else {
			created[r.ID] = r.ExpiresAt
		}
	})
}

// readThenKeep reads the expiry that it keeps, and a touch may come between.
func readThenKeep(s *spoiled) {
	s.update = func(ctx context.Context, r session.Record) error {
		if r.ExpiresAt.IsZero() {
			old, err := s.reference.Load(ctx, r.ID)
			if err != nil {
				return err
			}
			r.ExpiresAt = old.ExpiresAt
			s.gap()
		}
		return s.reference.Update(ctx, r)
	}
}

// ignoreVersion is the last writer wins.
func ignoreVersion(s *spoiled) {
	s.onUpdate(func(old, r *session.Record) { r.Version = old.Version })
}

// lookThenUpdate is not atomic.
func lookThenUpdate(s *spoiled) {
	s.update = func(ctx context.Context, r session.Record) error {
		old, err := s.reference.Load(ctx, r.ID)
		if err != nil {
			return err
		}
		if old.Version != r.Version {
			return session.ErrConflict
		}
		s.gap()
		r.Version++
		return s.Locked(ctx, func() error { s.Put(r); return nil })
	}
}

// upsert stores whatever it is given.
func upsert(s *spoiled) {
	s.update = func(ctx context.Context, r session.Record) error {
		err := s.reference.Update(ctx, r)
		if errors.Is(err, session.ErrNotFound) {
			r.Version++
			err = s.reference.Create(ctx, r)
		}
		return err
	}
}

func reviveOnUpdate(s *spoiled) {
	removed := s.tombs()
	s.update = func(ctx context.Context, r session.Record) error {
		err := s.reference.Update(ctx, r)
		if _, ok := removed[r.ID]; ok && errors.Is(err, session.ErrNotFound) {
			return s.reference.Create(ctx, r)
		}
		return err
	}
}
