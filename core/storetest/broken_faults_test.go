package storetest_test

import (
	"context"
	"errors"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenFaults = append([]breakage{
	{law: "CancelledBefore", name: "finds nothing when the context is done", spoil: func(s *spoiled) {
		s.before = func(ctx context.Context, _ string) error {
			if ctx.Err() != nil {
				return session.ErrNotFound
			}
			return nil
		}
	}},
	{law: "CancelledBefore", name: "looks at the deadline when it is over", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			if err := s.reference.Create(context.WithoutCancel(ctx), r); err != nil {
				return err
			}
			return ctx.Err()
		}
	}},
	{law: "CancelledMidway", name: "takes a cancellation for absence", spoil: func(s *spoiled) {
		s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
			s.gap()
			if ctx.Err() != nil {
				return session.Record{}, session.ErrNotFound
			}
			return s.reference.Load(ctx, id)
		}
	}},
	{law: "CancelledMidway", name: "takes a cancellation for a conflict", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			s.gap()
			if ctx.Err() != nil {
				return session.ErrConflict
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "CancelledMidway", name: "takes a cancellation for existence", spoil: func(s *spoiled) {
		s.create = func(ctx context.Context, r session.Record) error {
			s.gap()
			if ctx.Err() != nil {
				return session.ErrExists
			}
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "CancelledMidway", name: "takes a cancellation for success", spoil: func(s *spoiled) {
		s.delete = func(ctx context.Context, id session.ID) error {
			s.gap()
			if ctx.Err() != nil {
				return nil
			}
			return s.reference.Delete(ctx, id)
		}
	}},
	{law: "CancelledMidway", name: "leaves half an update", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			s.gap()
			if ctx.Err() != nil {
				r.Data = r.Data[:len(r.Data)/2]
				_ = s.reference.Update(context.WithoutCancel(ctx), r)
				return ctx.Err()
			}
			return s.reference.Update(ctx, r)
		}
	}},
	{law: "CancelledMidway", name: "loses the record while it updates", spoil: func(s *spoiled) {
		s.update = func(ctx context.Context, r session.Record) error {
			old, err := s.reference.Load(ctx, r.ID)
			if err != nil || old.Version != r.Version {
				return s.reference.Update(ctx, r)
			}
			_ = s.reference.Delete(ctx, r.ID)
			s.gap()
			r.Version++
			return s.reference.Create(ctx, r)
		}
	}},
	{law: "Down", name: "finds nothing", spoilDown: func(s *spoiled) {
		s.before = func(context.Context, string) error { return session.ErrNotFound }
	}},
	{law: "Down", name: "hangs", spoilDown: func(s *spoiled) {
		s.before = func(ctx context.Context, _ string) error {
			time.Sleep(time.Hour)
			return errors.New("gave up")
		}
	}},
}, append(ignoreContext(), lieWhenDown()...)...)

// ignoreContext has a breakage for each method, which does not look at its context.
func ignoreContext() (broken []breakage) {
	for method, spoil := range map[string]func(s *spoiled){
		"Load": func(s *spoiled) {
			s.load = func(ctx context.Context, id session.ID) (session.Record, error) {
				return s.reference.Load(context.WithoutCancel(ctx), id)
			}
		},
		"Create": func(s *spoiled) {
			s.create = func(ctx context.Context, r session.Record) error {
				return s.reference.Create(context.WithoutCancel(ctx), r)
			}
		},
		"Update": func(s *spoiled) {
			s.update = func(ctx context.Context, r session.Record) error {
				return s.reference.Update(context.WithoutCancel(ctx), r)
			}
		},
		"Touch": func(s *spoiled) {
			s.touch = func(ctx context.Context, id session.ID, at time.Time) error {
				return s.reference.Touch(context.WithoutCancel(ctx), id, at)
			}
		},
		"Delete": func(s *spoiled) {
			s.delete = func(ctx context.Context, id session.ID) error {
				return s.reference.Delete(context.WithoutCancel(ctx), id)
			}
		},
		"List": func(s *spoiled) {
			s.list = func(ctx context.Context, subject string) ([]session.Record, error) {
				return s.reference.List(context.WithoutCancel(ctx), subject)
			}
		},
		"DeleteAll": func(s *spoiled) {
			s.deleteAll = func(ctx context.Context, subject string, except ...session.ID) (int, error) {
				return s.reference.DeleteAll(context.WithoutCancel(ctx), subject, except...)
			}
		},
	} {
		broken = append(broken, breakage{law: "CancelledBefore", name: "does not look at the context of " + method, spoil: spoil})
	}
	return broken
}

// lieWhenDown has a breakage for each method, which succeeds without a backend.
func lieWhenDown() (broken []breakage) {
	for _, liar := range []string{"Load", "Create", "Update", "Touch", "Delete", "List", "DeleteAll", "All"} {
		broken = append(broken, breakage{law: "Down", name: "does not see it in " + liar, spoilDown: func(s *spoiled) {
			s.before = func(_ context.Context, method string) error {
				if method == liar {
					return nil
				}
				return errors.New("connection refused")
			}
		}})
	}
	return broken
}
