package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 3: of a session that its own browser has logged out of, a request that was
// on its way does nothing but log in anew.
func TestStragglerOfALogout(t *testing.T) {
	logout := func(s *session.Session[cart]) error { return s.Destroy() }
	flash := func(s *session.Session[cart]) error { return errors.Join(s.Destroy(), s.Update(add("goodbye"))) }
	for name, act := range map[string]func(*session.Session[cart]) error{
		"reads": look, "updates": incremented, "logs out, too": logout, "logs out with a flash message": flash,
	} {
		for _, order := range []string{"before", "after"} {
			t.Run(name+", read "+order, func(t *testing.T) {
				si, b := newSite(t, nil), &browser{}
				si.visit(b, loggedIn)
				slow := *b
				r := si.begin(&slow)
				if order == "before" {
					if err := act(r.get()); err != nil {
						t.Fatal(err)
					}
				}
				si.visit(b, logout)
				si.visit(b, loggedIn) // in another tab
				if order == "after" {
					s := r.get()
					if s.Subject() != "" || s.Data().N != 0 {
						t.Errorf("the straggler reads %+v of %q", s.Data(), s.Subject())
					}
					err := act(s)
					if changes := name != "reads" && name != "logs out, too"; changes != errors.Is(err, session.ErrSuperseded) {
						t.Errorf("got %v", err)
					}
				}
				h, err := r.respond()
				if err != nil || cookieOf(h) != "" {
					t.Errorf("got %v and the cookie %q, over that of a newer login", err, cookieOf(h))
				}
				if live(si) != 1 {
					t.Errorf("%d sessions, want 1", live(si))
				}
			})
		}
	}

	t.Run("logs in anew", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		slow := *b
		si.visit(b, logout)
		si.visit(&slow, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
		si.visit(&slow, func(s *session.Session[cart]) error {
			if s.Subject() != "bob" {
				t.Errorf("got %q, want bob", s.Subject())
			}
			return nil
		})
	})

	t.Run("is a visitor once the window is over, however late a touch came", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			old := *b
			si.visit(b, logout)
			for id := range si.store.Records { // of a request that was on its way
				_ = si.store.Touch(t.Context(), id, time.Now().Add(time.Hour))
			}
			time.Sleep(time.Minute - time.Millisecond)
			x := si.begin(&old)
			if err := x.get().Update(increment); !errors.Is(err, session.ErrSuperseded) {
				t.Errorf("within the window got %v, want ErrSuperseded", err)
			}
			if h, _ := x.respond(); h.RetryAfter != "1" {
				t.Errorf("got Retry-After %q, want 1 second", h.RetryAfter)
			}
			time.Sleep(time.Millisecond)
			si.visit(&old, incremented)
			if si.data(&old).N != 1 {
				t.Error("the visitor has no session")
			}
		})
	})

	t.Run("leaves a tombstone without owner and data", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, func(s *session.Session[cart]) error {
				return errors.Join(s.Login("alice", nil), s.Update(add("bread")))
			})
			si.store.took()
			si.visit(b, logout)
			if got := si.store.took(); len(got) != 2 || got[1] != "update" {
				t.Errorf("the store got %v, want a load and one write", got)
			}
			for _, r := range si.store.Records {
				if r.Subject != "" || len(r.Data) > 100 || !r.ExpiresAt.Equal(time.Now().Add(time.Minute)) {
					t.Errorf("it left the owner %q, %d bytes, until %v", r.Subject, len(r.Data), r.ExpiresAt)
				}
				if err := si.Revoke(t.Context(), r.ID); err != nil || len(si.store.Records) != 1 {
					t.Error("a Revoke removed what recognises the stragglers")
				}
			}
		})
	})
}

// Law 3: two renewals may follow each other while a request is on its way.
func TestStragglerOfTwoRenewals(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	slow := *b
	si.visit(b, loggedIn)
	si.visit(b, func(s *session.Session[cart]) error { return s.Renew() })
	r := si.begin(&slow)
	if err := r.get().Update(increment); !errors.Is(err, session.ErrSuperseded) {
		t.Errorf("got %v, want ErrSuperseded", err)
	}
	if h, err := r.respond(); err != nil || cookieOf(h) != "" || live(si) != 1 {
		t.Errorf("got %v, the cookie %q and %d sessions", err, cookieOf(h), live(si))
	}
}
