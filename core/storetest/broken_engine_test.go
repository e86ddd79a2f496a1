package storetest_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// secretOf is the second part of what a token carries.
func secretOf(token string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		panic(err)
	}
	return raw[16:]
}

var brokenEngine = []breakage{
	{law: "SecretNeverReachesStore", name: "gets the token", leak: func(token string) string {
		return "token=" + token
	}},
	{law: "SecretNeverReachesStore", name: "gets the secret in hex", leak: func(token string) string {
		return hex.EncodeToString(secretOf(token))
	}},
	{law: "SecretNeverReachesStore", name: "gets the secret in upper-case hex", leak: func(token string) string {
		return strings.ToUpper(hex.EncodeToString(secretOf(token)))
	}},
	{law: "SecretNeverReachesStore", name: "gets the secret in base64", leak: func(token string) string {
		return base64.StdEncoding.EncodeToString(secretOf(token))
	}},
	{law: "SecretNeverReachesStore", name: "gets the secret in base64url", leak: func(token string) string {
		return base64.URLEncoding.EncodeToString(secretOf(token))
	}},
	{law: "SecretNeverReachesStore", name: "gets the token in other base64", leak: func(token string) string {
		return strings.NewReplacer("-", "+", "_", "/").Replace(token)
	}},
	{law: "EngineLosesNoChange", name: "ignores the version", spoil: func(s *spoiled) {
		lookThenUpdate(s)
	}},
	{law: "EngineTakesOnce", name: "ignores the version", spoil: func(s *spoiled) {
		lookThenUpdate(s)
	}},
	{law: "EngineBoundsSubjects", name: "removes nothing by an update", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			if past(r.ExpiresAt) && !r.ExpiresAt.IsZero() {
				return ctx.Err()
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "EngineBoundsSubjects", name: "lists one session", spoil: func(s *spoiled) {
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			return records[:min(1, len(records))], err
		}
	}},
	{law: "EngineRemembers", name: "keeps nothing for longer than a day", spoil: func(s *spoiled) {
		s.onRead(func(r *session.Record) {
			if day := time.Now().Add(24 * time.Hour); r.ExpiresAt.After(day) {
				r.ExpiresAt = day
			}
		})
	}},
	{law: "EngineChangesAllOfSubject", name: "ignores the version", spoil: func(s *spoiled) {
		lookThenUpdate(s)
	}},
	{law: "EnginePings", name: "fails where there is nothing", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			if errors.Is(err, session.ErrNotFound) {
				err = errors.New("no such table")
			}
			return r, err
		}
	}},
	{law: "EngineLogoutWins", name: "inserts", spoil: upsert},
	{law: "EngineLogoutWins", name: "brings back what is updated", spoil: reviveOnUpdate},
	{law: "EngineDoubtIsNoAnswer", name: "does not delete", spoil: func(s *spoiled) {
		s.delete = func(ctx context.Context, _ session.ID) error { return ctx.Err() }
	}},
	{law: "EngineDoubtIsNoAnswer", name: "counts two for an update", spoil: countTwo},
	{law: "EngineDoubtIsNoAnswer", name: "says ErrNotFound for another version", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, err := s.reference.Load(ctx, id)
			if err == nil && r.Version > 2 {
				err = session.ErrNotFound
			}
			return r, err
		}
	}},
	{law: "EngineKeepsCarriersApart", name: "keeps one session for each subject", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if _, err := s.reference.DeleteAll(ctx, r.Subject); err != nil {
				return err
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "EngineKeepsCarriersApart", name: "lists the newest session alone", spoil: changeList(func(records []session.Record) []session.Record {
		return records[:min(len(records), 1)]
	})},
	{law: "EngineKeepsRealmsApart", name: "drops control characters", spoil: mangleSubjects(strings.NewReplacer("\x1f", "").Replace)},
	{law: "EngineKeepsRealmsApart", name: "cuts at a control character", spoil: mangleSubjects(func(s string) string { before, _, _ := strings.Cut(s, "\x1f"); return before })},
	{law: "EngineKeepsRealmsApart", name: "ignores what is before a control character", spoil: mangleSubjects(func(s string) string { return s[strings.Index(s, "\x1f")+1:] })},
	{law: "EngineKeepsRealmsApart", name: "takes a control character for a colon", spoil: mangleSubjects(strings.NewReplacer("\x1f", ":").Replace)},
	{law: "EngineKeepsRealmsApart", name: "cuts at 191 bytes", spoil: mangleSubjects(func(s string) string { return s[:min(len(s), 191)] })},
	{law: "EngineKeepsRealmsApart", name: "cuts at 254 bytes", spoil: mangleSubjects(func(s string) string { return s[:min(len(s), 254)] })},
	{law: "EngineKeepsRealmsApart", name: "folds case", spoil: mangleSubjects(strings.ToLower)},
	{law: "EngineKnowsStragglersOfLogout", name: "deletes what loses its subject", spoil: deleteUnowned},
	{law: "EngineKnowsStragglersOfLogout", name: "keeps the data of what loses its subject", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.Subject == "" {
				r.Data = old.Data
			}
		})
	}},
	{law: "EngineLogoutLeavesNoSession", name: "keeps the subject", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) { r.Subject = old.Subject })
	}},
	{law: "EngineLogoutLeavesNoSession", name: "does not see a subject go", spoil: indexOnce(func(old, now string) bool { return now != "" })},
	{law: "EngineLogoutLeavesNoSession", name: "deletes what loses its subject", spoil: deleteUnowned},
	{law: "EngineForgetsLogout", name: "never shortens", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if r.ExpiresAt.Before(old.ExpiresAt) {
				r.ExpiresAt = old.ExpiresAt
			}
		})
	}},
	{law: "EngineForgetsLogout", name: "keeps expired records without a subject", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			r, ok := s.Records[id]
			if !ok || r.Subject != "" && past(r.ExpiresAt) {
				return session.Record{}, session.ErrNotFound
			}
			return r, ctx.Err()
		}
	}},
	{law: "EngineLogsOutWhenFull", name: "takes Unix time 0 for the zero time", spoil: unixZeroKeeps},
	{law: "EngineLogsOutWhenFull", name: "refuses an expiry that has passed", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			if past(r.ExpiresAt) {
				return errors.New("invalid expire time")
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "EngineRecordsLastUse", name: "does not touch", spoil: func(s *spoiled) {
		s.onTouch(func(*session.Record, time.Time) error { return nil })
	}},
	{law: "EngineRecordsLastUse", name: "keeps whole minutes in Touch", spoil: func(s *spoiled) {
		s.onTouch(func(r *session.Record, at time.Time) error { r.ExpiresAt = at.Truncate(time.Minute); return nil })
	}},
	{law: "EngineRecordsLastUse", name: "ends each record a day after its creation", spoil: func(s *spoiled) {
		created := time.Now()
		s.onTouch(func(r *session.Record, at time.Time) error {
			if end := created.Add(24 * time.Hour); at.After(end) {
				at = end
			}
			r.ExpiresAt = at
			return nil
		})
	}},
	{law: "EngineJobTakesBackNoUse", name: "keeps the expiry of the last Create or Update", spoil: keepCreated},
	{law: "EngineJobTakesBackNoUse", name: "takes zero for a time that has passed", spoil: zeroPasses},
	{law: "EngineTooLateIsAnError", name: "brings back what has expired", spoil: func(s *spoiled) {
		s.onUpdate(func(old, r *session.Record) {
			if past(old.ExpiresAt) && !past(r.ExpiresAt) {
				old.ExpiresAt = r.ExpiresAt
			}
		})
	}},
	{law: "EngineTooLateIsAnError", name: "inserts", spoil: upsert},
	{law: "EngineLastsACentury", name: "counts seconds in 32 bits", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) { r.ExpiresAt = time.Unix(int64(int32(r.ExpiresAt.Unix())), 0) })
	}},
	{law: "EngineLastsACentury", name: "keeps nothing without a subject for more than a year", spoil: func(s *spoiled) {
		s.onWrite(func(r *session.Record) {
			if year := time.Now().Add(366 * 24 * time.Hour); r.Subject == "" && r.ExpiresAt.After(year) {
				r.ExpiresAt = year
			}
		})
	}},
	{law: "EngineLastsACentury", name: "refuses more than a year in Touch", spoil: func(s *spoiled) {
		s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
			if time.Until(at) > 366*24*time.Hour {
				return errors.New("invalid expire time")
			}
			return s.reference.Touch(ctx, id, at)
		}
	}},
}

// countTwo adds two to the version, so that another write seems to be between.
func countTwo(s *spoiled) {
	s.update = func(ctx context.Context, r session.Record) error {
		if err := s.reference.Update(ctx, r); err != nil {
			return err
		}
		return s.Locked(ctx, func() error {
			if r, err := s.Live(r.ID); err == nil {
				r.Version++
				s.Put(r)
			}
			return nil
		})
	}
}

// deleteUnowned takes a session that loses its subject for one that has ended.
func deleteUnowned(s *spoiled) {
	s.onUpdate(func(old, r *session.Record) {
		if old.Subject != "" && r.Subject == "" {
			r.ExpiresAt = time.Unix(0, 0)
		}
	})
}
