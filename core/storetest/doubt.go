package storetest

import (
	"context"
	"errors"
	"fmt"

	session "github.com/gostateful/session/core"
)

// unsure is a store whose next Update fails: before it is done, or after.
// Then something happens to the session, before anybody can look.
type unsure struct {
	session.Store
	done  bool
	since func() error // nil once it has failed
}

func (s *unsure) Update(ctx context.Context, r session.Record) error {
	since := s.since
	if since == nil {
		return s.Store.Update(ctx, r)
	}
	s.since = nil
	if s.done {
		if err := s.Store.Update(ctx, r); err != nil {
			return fmt.Errorf("storetest: the Update that was to be done: %v", err)
		}
	}
	return errors.Join(errors.New("storetest: the reply was lost"), since())
}

func engineDoubtIsNoAnswer(t *trial) {
	m := t.manager(t.store, session.Options{})
	nothing := func(browser) error { return nil }
	revoked := func(b browser) error { return t.store.Delete(t.Context(), b.id) }
	loggedOut := func(b browser) error {
		_, err := visit(t.Context(), m, b.cookie, (*session.Session[visits]).Destroy)
		return err
	}
	changed := func(b browser) error {
		_, err := visit(t.Context(), m, b.cookie, counted)
		return err
	}
	const gone = 0
	for _, test := range []struct {
		name   string
		done   bool
		since  func(b browser) error
		want   error
		visits int
	}{
		{"was not done", false, nothing, nil, 2},
		{"was done", true, nothing, nil, 2},
		{"was not done, and another was since", false, changed, nil, 3},
		{"was done, and another since", true, changed, session.ErrUnavailable, 3},
		{"was not done, and the session was revoked since", false, revoked, session.ErrUnavailable, gone},
		{"was done, and the session was revoked since", true, revoked, session.ErrUnavailable, gone},
		{"was not done, and its browser logged out since", false, loggedOut, nil, gone}, // law 2
		{"was done, and its browser logged out since", true, loggedOut, session.ErrUnavailable, gone},
	} {
		b := t.login(m, t.subject())
		s := &unsure{t.store, test.done, func() error { return test.since(b) }}
		doing := "a change whose reply was lost, and which " + test.name
		_, err := visit(t.Context(), t.manager(s, session.Options{}), b.cookie, counted)
		switch {
		case s.since != nil:
			t.Fatalf("%s: it was not tried", doing)
		case !errors.Is(err, test.want):
			t.Fatalf("%s: got error %v, want %v", doing, err, test.want)
		case err != nil && named(err) != nil:
			t.Fatalf("%s: got %v, which is an answer; want one that leaves it open", doing, err)
		case test.visits == gone:
			t.opensNothing("after "+doing, m, b.cookie, b)
			t.owns("after "+doing, b.subject)
		default:
			t.opens("after "+doing, m, b, test.visits)
		}
	}
}
