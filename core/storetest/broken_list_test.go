package storetest_test

import (
	"context"
	"errors"
	"slices"
	"strings"

	session "github.com/gostateful/session/core"
)

var brokenList = []breakage{
	{law: "ListIsComplete", name: "leaves out the data", spoil: changeList(func(records []session.Record) []session.Record {
		for i := range records {
			records[i].Data = nil
		}
		return records
	})},
	{law: "ListIsComplete", name: "leaves out the version", spoil: changeList(func(records []session.Record) []session.Record {
		for i := range records {
			records[i].Version = 0
		}
		return records
	})},
	{law: "ListIsComplete", name: "shows the records as they were created", spoil: func(s *spoiled) {
		created := map[session.ID]session.Record{}
		s.create = func(ctx context.Context, r session.Record) error {
			created[r.ID] = r
			return s.reference.Create(ctx, r)
		}
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			for i := range records {
				records[i].ExpiresAt = created[records[i].ID].ExpiresAt
			}
			return records, err
		}
	}},
	{law: "ListIsNewestFirst", name: "lists the oldest first", spoil: changeList(func(records []session.Record) []session.Record {
		slices.Reverse(records)
		return records
	})},
	{law: "ListIsNewestFirst", name: "compares signed bytes", spoil: changeList(func(records []session.Record) []session.Record {
		slices.SortFunc(records, func(a, b session.Record) int { return int(int8(b.ID[0])) - int(int8(a.ID[0])) })
		return records
	})},
	{law: "ListIsNewestFirst", name: "lists the last updated first", spoil: changeList(func(records []session.Record) []session.Record {
		slices.SortStableFunc(records, func(a, b session.Record) int { return int(b.Version) - int(a.Version) })
		return records
	})},
	{law: "ListShowsLiveOnly", name: "lists expired records", spoil: listExpired},
	{law: "ListShowsLiveOnly", name: "fails for a subject that nobody has", spoil: func(s *spoiled) {
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			if len(records) == 0 && err == nil {
				err = session.ErrNotFound
			}
			return records, err
		}
	}},
	{law: "ListFollowsSubject", name: "knows the first subject", spoil: indexOnce(func(old, now string) bool { return old == "" })},
	{law: "ListFollowsSubject", name: "does not see a subject go", spoil: indexOnce(func(old, now string) bool { return now != "" })},
	{law: "SubjectsAreExact", name: "folds case", spoil: mangleSubjects(strings.ToLower)},
	{law: "SubjectsAreExact", name: "trims spaces at the end", spoil: mangleSubjects(func(s string) string { return strings.TrimRight(s, " ") })},
	{law: "SubjectsAreExact", name: "trims white space", spoil: mangleSubjects(strings.TrimSpace)},
	{law: "SubjectsAreExact", name: "folds accents", spoil: mangleSubjects(strings.NewReplacer("á", "a", "a\u0301", "a").Replace)},
	{law: "SubjectsAreExact", name: "composes accents", spoil: mangleSubjects(strings.NewReplacer("a\u0301", "á").Replace)},
	{law: "SubjectsAreExact", name: "cuts at 254 bytes", spoil: mangleSubjects(func(s string) string { return s[:min(len(s), 254)] })},
	{law: "SubjectsAreExact", name: "reads escapes", spoil: mangleSubjects(strings.NewReplacer(`\\`, `\`).Replace)},
	{law: "SubjectsAreExact", name: "strips hash tags", spoil: mangleSubjects(strings.NewReplacer("{", "", "}", "").Replace)},
	{law: "SubjectsAreExact", name: "takes % for a pattern", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			prefix, pattern := strings.CutSuffix(subject, "%")
			if !pattern {
				return s.reference.DeleteAll(ctx, subject, except...)
			}
			n := 0
			for _, r := range s.Records {
				if strings.HasPrefix(r.Subject, prefix) {
					delete(s.Records, r.ID)
					n++
				}
			}
			return n, ctx.Err()
		}
	}},
	{law: "SubjectsAreExact", name: "knows 3 bytes of UTF-8", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			for _, c := range r.Subject {
				if c > 0xffff {
					return errors.New("incorrect string value")
				}
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "EmptySubjectOwnsNothing", name: "lists them", spoil: func(s *spoiled) {
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
	{law: "EmptySubjectOwnsNothing", name: "deletes them", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (n int, err error) {
			err = s.Locked(ctx, func() error {
				for id, r := range s.Records {
					if r.Subject == subject && !slices.Contains(except, id) {
						delete(s.Records, id)
						n++
					}
				}
				return nil
			})
			return n, err
		}
	}},
	{law: "EmptySubjectOwnsNothing", name: "deletes them where some are spared", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			if subject == "" && len(except) > 0 {
				clear(s.Records)
			}
			return s.reference.DeleteAll(ctx, subject, except...)
		}
	}},
	{law: "ManySessions", name: "lists ten", spoil: changeList(func(records []session.Record) []session.Record {
		return records[:min(len(records), 10)]
	})},
	{law: "ManySessions", name: "deletes ten", spoil: func(s *spoiled) {
		s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
			records, err := s.reference.List(ctx, subject)
			for _, r := range records[:min(len(records), 10)] {
				_ = s.reference.Delete(ctx, r.ID)
			}
			return len(records), err
		}
	}},
}

func changeList(change func(records []session.Record) []session.Record) func(s *spoiled) {
	return func(s *spoiled) {
		s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := s.reference.List(ctx, subject)
			return change(records), err
		}
	}
}

// indexOnce lists by an index that follows some changes of the subject only.
func indexOnce(follow func(old, now string) bool) func(s *spoiled) {
	return func(s *spoiled) {
		index := map[session.ID]string{}
		s.create = func(ctx context.Context, r session.Record) error {
			index[r.ID] = r.Subject
			return s.reference.Create(ctx, r)
		}
		s.update = func(ctx context.Context, r session.Record) error {
			if follow(index[r.ID], r.Subject) {
				index[r.ID] = r.Subject
			}
			return s.reference.Update(ctx, r)
		}
		s.list = func(ctx context.Context, subject string) (records []session.Record, err error) {
			for id, owner := range index {
				if r, err := s.reference.Load(ctx, id); err == nil && owner == subject && subject != "" {
					records = append(records, r)
				}
			}
			return records, ctx.Err()
		}
	}
}

// mangleSubjects compares subjects by a key that leaves something out.
func mangleSubjects(key func(subject string) string) func(s *spoiled) {
	return func(s *spoiled) {
		s.list = func(ctx context.Context, subject string) (records []session.Record, err error) {
			err = s.Locked(ctx, func() error {
				for id, r := range s.Records {
					if subject != "" && key(r.Subject) == key(subject) && !past(r.ExpiresAt) {
						records = append(records, s.Records[id])
					}
				}
				return nil
			})
			slices.SortFunc(records, func(a, b session.Record) int { return slices.Compare(b.ID[:], a.ID[:]) })
			return records, err
		}
	}
}
