package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 19: after any lost response, the browser's next request works, or is told
// by 409 when to come again, and the browser can log in at once.
func TestNobodyIsLockedOut(t *testing.T) {
	for name, lost := range map[string]func(*session.Session[cart]) error{
		"login":  loggedIn,
		"renew":  func(s *session.Session[cart]) error { return s.Renew() },
		"logout": func(s *session.Session[cart]) error { return s.Destroy() },
	} {
		setup := func(t *testing.T) (*site, *browser) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			kept := *b
			si.visit(b, lost) // the response never arrives
			return si, &kept
		}
		t.Run("a lost "+name+", a change", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := setup(t)
				time.Sleep(20 * time.Second)
				r := si.begin(b)
				err := r.get().Update(increment)
				if h, _ := r.respond(); !errors.Is(err, session.ErrSuperseded) || session.HTTPStatus(err) != 409 || h.RetryAfter != "40" {
					t.Errorf("got %v and Retry-After %q, want ErrSuperseded and 40 seconds", err, h.RetryAfter)
				}
				time.Sleep(40 * time.Second)
				si.visit(b, incremented)
				if si.data(b).N != 1 {
					t.Error("after the window the browser has no session")
				}
			})
		})
		t.Run("a lost "+name+", a login at once", func(t *testing.T) {
			si, b := setup(t)
			si.visit(b, loggedIn)
			si.visit(b, func(s *session.Session[cart]) error {
				if s.Subject() != "alice" {
					t.Errorf("got %q, want alice", s.Subject())
				}
				return nil
			})
		})
	}

	opts := &session.Options{RenewEvery: 10 * time.Minute}
	// renewed returns a browser that did not get the response to a renewal.
	renewed := func(t *testing.T) (*site, *browser) {
		si, b := newSite(t, opts), &browser{}
		si.visit(b, loggedIn)
		kept := *b
		time.Sleep(10 * time.Minute)
		if si.visit(b, look); b.cookie == kept.cookie {
			t.Fatal("not renewed")
		}
		return si, &kept
	}
	who := func(si *site, b *browser) (subject string) {
		si.visit(b, func(s *session.Session[cart]) error { subject = s.Subject(); return nil })
		return subject
	}
	t.Run("a renewal that time asked for, never received", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := renewed(t)
			was := b.cookie
			for range 6 {
				time.Sleep(10 * time.Second) // within the window it is not offered again
				si.visit(b, incremented)
			}
			if b.cookie == was || who(si, b) != "alice" {
				t.Error("want another renewal, once the lost response cannot come any more")
			}
			si.kinds()
			if time.Sleep(50 * time.Minute); who(si, b) != "alice" || si.data(b).N != 6 || si.saw(session.EventReused) {
				t.Error("the session is lost")
			}
		})
	})
	t.Run("a login with the previous secret", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := renewed(t)
			si.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("bob", nil), s.Update(increment)) })
			if who(si, b) != "bob" || live(si) != 1 {
				t.Errorf("got %q", who(si, b))
			}
		})
	})
	t.Run("a renewal that nobody can receive is not made", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, opts), &browser{}
			si.visit(b, loggedIn)
			time.Sleep(10 * time.Minute)
			si.store.took()
			for _, response := range []session.Response{{Hijacked: true}, {}} {
				ctx, leave := context.WithCancel(t.Context())
				x := new(session.Exchange)
				x.Begin(ctx, si, b.lines())
				if _, err := si.Get(x); err != nil {
					t.Fatal(err)
				}
				if !response.Hijacked {
					leave()
				}
				if h, err := x.Commit(response); err != nil || cookieOf(h) != "" {
					t.Errorf("%+v: got %v and the cookie %q", response, err, cookieOf(h))
				}
				leave()
			}
			if got := si.store.took(); slices.Contains(got, "update") {
				t.Errorf("the store got %v: renewed for nobody", got)
			}
			was := b.cookie
			if who(si, b); b.cookie == was {
				t.Error("the next request is not offered the renewal")
			}
		})
	})
	t.Run("a persistent cookie is sent again before the browser drops it", func(t *testing.T) {
		const day = 24 * time.Hour
		long := &session.Options{IdleTimeout: 300 * day, Lifetime: 1000 * day, RenewEvery: 200 * day, Cookie: session.Cookie{Persistent: true}}
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, long), &browser{}
			si.visit(b, loggedIn)
			for range 4 {
				time.Sleep(201 * day)
				if h := si.visit(b, look); cookieOf(h) == "" {
					t.Error("not sent again")
				}
			}
		})
		long.RenewEvery = 0
		if _, err := session.New[cart](newTestStore(), long); err == nil {
			t.Error("New accepts a persistent cookie that browsers drop before its session ends")
		}
	})
}
