package storetest_test

import (
	"context"
	"slices"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenDeleteAll = []breakage{
	{law: "DeleteAllRemoves", name: "does nothing", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, _ ...session.ID) (int, error) {
			records, err := s.reference.List(ctx, subject)
			return len(records), err
		}
	}},
	{law: "DeleteAllRemoves", name: "takes them out of the list alone", spoil: func(s *spoiled) {
		hidden := map[string]bool{}
		s.deleteAll = func(ctx context.Context, subject string, _ ...session.ID) (int, error) {
			hidden[subject] = true
			return 0, ctx.Err()
		}
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			if hidden[subject] {
				return nil, ctx.Err()
			}
			return s.reference.List(ctx, subject)
		}
	}},
	{law: "DeleteAllRemoves", name: "removes all of everybody", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, _ string, _ ...session.ID) (int, error) {
			n := len(s.Records)
			clear(s.Records)
			return n, ctx.Err()
		}
	}},
	{law: "DeleteAllRemoves", name: "brings back what is touched", spoil: reviveOnTouch},
	{law: "DeleteAllRemoves", name: "brings back what is updated", spoil: reviveOnUpdate},
	{law: "DeleteAllRemoves", name: "bans the subject", spoil: func(s *spoiled) {
		banned := map[string]bool{}
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			banned[subject] = true
			return s.reference.DeleteAll(ctx, subject, except...)
		}
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			if banned[subject] {
				return nil, ctx.Err()
			}
			return s.reference.List(ctx, subject)
		}
	}},
	{law: "DeleteAllCounts", name: "counts expired records", spoil: countExpired},
	{law: "DeleteAllCounts", name: "counts what it spares", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			n, err := s.reference.DeleteAll(ctx, subject, except...)
			return n + len(except), err
		}
	}},
	{law: "DeleteAllCounts", name: "counts nothing", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			_, err := s.reference.DeleteAll(ctx, subject, except...)
			return 0, err
		}
	}},
	{law: "DeleteAllSparesExcept", name: "spares none", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, _ ...session.ID) (int, error) {
			return s.reference.DeleteAll(ctx, subject)
		}
	}},
	{law: "DeleteAllSparesExcept", name: "spares the first", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			return s.reference.DeleteAll(ctx, subject, except[:min(len(except), 1)]...)
		}
	}},
	{law: "DeleteAllSparesExcept", name: "sorts the caller's exceptions", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			slices.SortFunc(except, func(a, b session.ID) int { return slices.Compare(a[:], b[:]) })
			return s.reference.DeleteAll(ctx, subject, except...)
		}
	}},
	{law: "DeleteAllSparesExcept", name: "spares at most a hundred", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			return s.reference.DeleteAll(ctx, subject, except[:min(len(except), 100)]...)
		}
	}},
	{law: "DeleteAllFollowsSubject", name: "knows the first subject", spoil: func(s *spoiled) {
		index := map[session.ID]string{}
		s.create = func(ctx context.Context, r session.Record) error {
			index[r.ID] = r.Subject
			return s.reference.Create(ctx, r)
		}
		s.deleteAll = func(ctx context.Context, subject string, _ ...session.ID) (n int, err error) {
			for id, owner := range index {
				if owner == subject {
					_ = s.reference.Delete(ctx, id)
					n++
				}
			}
			return n, ctx.Err()
		}
	}},
	{law: "DeleteAllFollowsSubject", name: "knows all subjects that ever were", spoil: func(s *spoiled) {
		index := map[string][]session.ID{}
		s.onWrite(func(r *session.Record) { index[r.Subject] = append(index[r.Subject], r.ID) })
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			n, err := s.reference.DeleteAll(ctx, subject, except...)
			for _, id := range index[subject] {
				_ = s.reference.Delete(ctx, id)
			}
			return n, err
		}
	}},
	{law: "DeleteAllSparesWhatLeaves", name: "removes what it found before", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, _ ...session.ID) (int, error) {
			records, err := s.reference.List(ctx, subject)
			for _, r := range records {
				s.gap()
				_ = s.reference.Delete(ctx, r.ID)
			}
			return len(records), err
		}
	}},
	{law: "DeleteAllWins", name: "removes only what is not updated meanwhile", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, _ ...session.ID) (n int, err error) {
			records, err := s.reference.List(ctx, subject)
			s.gap()
			for _, r := range records {
				r.ExpiresAt = time.Unix(0, 0)
				if s.reference.Update(ctx, r) == nil {
					n++
				}
			}
			return n, err
		}
	}},
	{law: "DeleteAllWins", name: "learns of logins late", spoil: func(s *spoiled) {
		var recent []session.ID
		s.update = func(ctx context.Context, r session.Record) error {
			err := s.reference.Update(ctx, r)
			s.Mu.Lock()
			defer s.Mu.Unlock()
			if recent = append(recent, r.ID); len(recent) > 3 {
				recent = recent[1:]
			}
			return err
		}
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			s.Mu.Lock()
			late := slices.Clone(recent)
			s.Mu.Unlock()
			return s.reference.DeleteAll(ctx, subject, append(late, except...)...)
		}
	}},
	{law: "DeleteAllWins", name: "updates what it read before", spoil: lookThenUpdate},
}
