package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// TestMaxPerSubject: the sessions used least recently end, at a login.
func TestMaxPerSubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, &session.Options{MaxPerSubject: 2})
		laptop, phone, tablet := &browser{}, &browser{}, &browser{}
		si.visit(laptop, incremented) // a cart from before the logins of the others
		time.Sleep(10 * time.Minute)
		si.visit(phone, loggedIn)
		time.Sleep(10 * time.Minute)
		si.visit(tablet, loggedIn)
		time.Sleep(10 * time.Minute)
		si.visit(phone, look)
		time.Sleep(time.Minute)
		si.kinds()
		si.visit(laptop, loggedIn)
		if !si.saw(session.EventDestroyed) {
			t.Error("no event tells of the session that ended")
		}
		infos, err := si.List(t.Context(), "alice")
		if err != nil || len(infos) != 2 || !infos[0].LastUsedAt.After(infos[1].LastUsedAt) || infos[0].Data.N != 1 {
			t.Errorf("got %+v, %v; want the one used last first", infos, err)
		}
		if si.subject(laptop) != "alice" || si.subject(phone) != "alice" || si.subject(tablet) != "" {
			t.Errorf("want the tablet logged out: got %q, %q, %q", si.subject(laptop), si.subject(phone), si.subject(tablet))
		}

		si.store.down("list")
		si.visit(&browser{}, loggedIn) // works all the same
		si.store.hook(nil, nil)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { si.visit(&browser{}, loggedIn) })
		}
		all.Wait()
		if infos, err := si.List(t.Context(), "alice"); err != nil || len(infos) > 2 || len(infos) == 0 {
			t.Errorf("after simultaneous logins: got %d sessions, %v; want at most 2", len(infos), err)
		}
	})
}

// TestMaxPerSubjectSparesTheLogin, whatever other sessions say of their last use.
func TestMaxPerSubjectSparesTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := newSite(t, &session.Options{IdleTimeout: 12 * time.Hour}) // of the last release
		phone, laptop := &browser{}, &browser{}
		before.visit(phone, loggedIn)
		si := newSiteOn(t, before.store, &session.Options{MaxPerSubject: 1})
		si.visit(laptop, incremented)
		time.Sleep(time.Minute)
		si.visit(laptop, loggedIn)
		if si.subject(laptop) != "alice" || si.subject(phone) != "" {
			t.Errorf("got %q and %q, want the phone logged out", si.subject(laptop), si.subject(phone))
		}
	})
}

// TestMaxPerSubjectEndsNobodyElse: a session that passes to another subject
// meanwhile does not end. One that is used meanwhile does.
func TestMaxPerSubjectEndsNobodyElse(t *testing.T) {
	for _, next := range []string{"bob", "alice"} {
		synctest.Test(t, func(t *testing.T) {
			si, phone, laptop := newSite(t, &session.Options{MaxPerSubject: 1}), &browser{}, &browser{}
			si.visit(phone, loggedIn)
			time.Sleep(time.Minute)
			si.store.hook(nil, func(method string, _ session.ID) error {
				if method == "list" {
					si.store.hook(nil, nil)
					si.visit(phone, func(s *session.Session[cart]) error {
						if next == s.Subject() {
							return s.Update(increment)
						}
						return s.Login(next, nil)
					})
				}
				return nil
			})
			si.visit(laptop, loggedIn)
			infos, err := si.List(t.Context(), "alice")
			if got := si.subject(phone); err != nil || len(infos) != 1 || si.subject(laptop) != "alice" || next == "bob" && got != "bob" {
				t.Errorf("%s: got %+v, %v and the phone of %q", next, infos, err, got)
			}
		})
	}
}

// TestMaxPerSubjectInTime: the deadline of Commit also bounds the end of other
// sessions.
func TestMaxPerSubjectInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, &session.Options{MaxPerSubject: 1})
		s := si.begin(&browser{}).get()
		si.store.hook(nil, func(method string, _ session.ID) error {
			si.store.hang = method == "create"
			return nil
		})
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		began := time.Now()
		if err := errors.Join(s.Login("alice", nil), s.Commit(ctx)); err != nil || time.Since(began) != 100*time.Millisecond {
			t.Errorf("got %v after %v, want the login to stand after 100ms", err, time.Since(began))
		}
		if !si.saw(session.EventError) {
			t.Error("no event tells that sessions are left")
		}
	})
}

// TestMaxPerSubjectCountsTheLive: a session whose Lifetime is over does not
// count.
func TestMaxPerSubjectCountsTheLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, &session.Options{Lifetime: 2 * time.Hour, MaxPerSubject: 2})
		over, other := &browser{}, &browser{}
		si.visit(over, loggedIn)
		time.Sleep(55 * time.Minute)
		si.visit(over, look)
		time.Sleep(55 * time.Minute)
		si.visit(over, look)
		si.visit(other, loggedIn)
		time.Sleep(9 * time.Minute)
		si.visit(over, look) // used last, and at its end
		time.Sleep(2 * time.Minute)
		si.visit(&browser{}, loggedIn)
		if si.subject(over) != "" || si.subject(other) != "alice" {
			t.Errorf("got %q and %q, want the live one spared", si.subject(over), si.subject(other))
		}
	})
}
