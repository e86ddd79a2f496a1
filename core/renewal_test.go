package session_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 3: a request with the secret from before a renewal reads nothing,
// creates nothing, and sets or clears no cookie.
func TestStragglerUndoesNothing(t *testing.T) {
	acts := []struct {
		name string
		act  func(*session.Session[cart]) error
	}{
		{"reads", look},
		{"updates", incremented},
		{"renews", func(s *session.Session[cart]) error { return s.Renew() }},
		{"destroys", func(s *session.Session[cart]) error { return s.Destroy() }},
	}
	renewals := []struct {
		name  string
		renew func(*session.Session[cart]) error
	}{
		{"login", loggedIn},
		{"renewal", func(s *session.Session[cart]) error { return s.Renew() }},
	}
	for _, renewal := range renewals {
		for _, act := range acts {
			check := func(t *testing.T, si *site, b *browser, h session.Header) {
				t.Helper()
				if cookieOf(h) != "" {
					t.Errorf("the straggler's response sets %q", cookieOf(h))
				}
				if n := si.store.count(); n != 1 {
					t.Errorf("the store has %d sessions, want 1", n)
				}
				si.visit(b, func(s *session.Session[cart]) error {
					if s.IsNew() || s.Data().N != 1 || s.Subject() != "alice" {
						t.Errorf("the session is %+v of %q", s.Data(), s.Subject())
					}
					return nil
				})
			}
			setup := func(t *testing.T) (*site, *browser, *browser) {
				si, b := newSite(t, nil), &browser{}
				si.visit(b, incremented)
				if renewal.name == "renewal" {
					si.visit(b, loggedIn)
				}
				late := *b
				return si, b, &late
			}
			t.Run(act.name+", read after the "+renewal.name, func(t *testing.T) {
				si, b, late := setup(t)
				si.visit(b, renewal.renew)
				r := si.begin(late)
				s := r.get()
				if s.Data().N != 0 || s.Subject() != "" || !s.IsNew() {
					t.Errorf("the straggler reads %+v of %q", s.Data(), s.Subject())
				}
				if err := act.act(s); act.name != "reads" && !errors.Is(err, session.ErrSuperseded) {
					t.Errorf("got %v, want ErrSuperseded", err)
				}
				h, err := r.respond()
				if err != nil {
					t.Error(err)
				}
				check(t, si, b, h)
			})
			t.Run(act.name+", read before the "+renewal.name, func(t *testing.T) {
				si, b, late := setup(t)
				r := si.begin(late)
				if err := act.act(r.get()); err != nil {
					t.Fatal(err)
				}
				si.visit(b, renewal.renew)
				h, err := r.respond()
				if act.name != "reads" && (!errors.Is(err, session.ErrSuperseded) || session.HTTPStatus(err) != 409) {
					t.Errorf("got %v, want ErrSuperseded", err)
				}
				check(t, si, b, h)
			})
		}
	}

	// The browser may have lost the response that carried the new secret: its
	// user must be able to log in again.
	for _, order := range []string{"before", "after"} {
		t.Run("but may log in, read "+order, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			late := *b
			r := si.begin(&late)
			if order == "before" {
				r.get()
			}
			si.visit(b, loggedIn)
			if err := r.get().Login("bob", nil); err != nil {
				t.Fatal(err)
			}
			if _, err := r.respond(); err != nil {
				t.Fatal(err)
			}
			for _, want := range []struct {
				b       *browser
				subject string
				n       int
			}{{b, "alice", 1}, {&late, "bob", 0}} {
				si.visit(want.b, func(s *session.Session[cart]) error {
					if s.Subject() != want.subject || s.Data().N != want.n {
						t.Errorf("got %+v of %q, want %d of %q", s.Data(), s.Subject(), want.n, want.subject)
					}
					return nil
				})
			}
		})
	}
}

// Law 4: a token that the server did not issue is never adopted, and a login
// always renews.
func TestFixationIsImpossible(t *testing.T) {
	t.Run("an unknown token", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		planted := strings.Repeat("QUJD", 16)
		b.cookie = "__Host-session=" + planted
		si.visit(b, incremented)
		if b.token() == planted || b.token()[:21] == planted[:21] {
			t.Errorf("the planted token or its ID was adopted")
		}
	})
	t.Run("a known ID with another secret", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		forged := &browser{cookie: b.cookie[:len(b.cookie)-10] + "AAAAAAAAAA"}
		si.visit(forged, func(s *session.Session[cart]) error {
			if s.Subject() != "" {
				t.Error("a wrong secret opened the session")
			}
			return nil
		})
	})
	t.Run("a login renews", func(t *testing.T) {
		si, attacker := newSite(t, nil), &browser{}
		si.visit(attacker, incremented)
		victim := *attacker // the attacker plants their own cookie
		si.visit(&victim, loggedIn)
		if victim.cookie == attacker.cookie {
			t.Fatal("the token is the same after login")
		}
		si.visit(attacker, func(s *session.Session[cart]) error {
			if s.Subject() != "" || s.Data().N != 0 {
				t.Errorf("the old token reads %+v of %q", s.Data(), s.Subject())
			}
			return nil
		})
	})
	t.Run("a login as somebody else keeps nothing", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		si.visit(b, incremented)
		si.visit(b, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
		si.visit(b, func(s *session.Session[cart]) error {
			if s.Subject() != "bob" || s.Data().N != 0 {
				t.Errorf("got %+v of %q, want nothing of bob", s.Data(), s.Subject())
			}
			return nil
		})
	})
}

func TestLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		time.Sleep(30 * time.Minute)
		si.visit(b, func(s *session.Session[cart]) error {
			before := s.ID()
			for _, bad := range []string{"", strings.Repeat("x", 256), "a\x00b", "\xff"} {
				if err := s.Login(bad, nil); err == nil {
					t.Errorf("Login(%q) succeeded", bad)
				}
			}
			err := s.Login("alice", nil)
			if s.ID() != before || s.Subject() != "alice" || !s.AuthenticatedAt().Equal(time.Now()) || s.CreatedAt().Equal(time.Now()) {
				t.Errorf("id %v, subject %q, authenticated %v", s.ID(), s.Subject(), s.AuthenticatedAt())
			}
			if want := time.Now().Add(time.Hour); !s.ExpiresAt().Equal(want) {
				t.Errorf("expires %v, want %v", s.ExpiresAt(), want)
			}
			return err
		})
		si.visit(b, loggedIn) // again, as for a sensitive page
		if got := si.data(b).N; got != 1 {
			t.Errorf("the data is %d after the logins, want 1", got)
		}
		if !si.saw(session.EventLogin) {
			t.Error("no login event")
		}
	})
}

// RenewEvery replaces the secret of a session in use, and the previous one is
// good for the requests that are on their way.
func TestRenewEvery(t *testing.T) {
	opts := &session.Options{RenewEvery: 10 * time.Minute, StragglerWindow: 30 * time.Second}
	start := func(t *testing.T) (si *site, b, old *browser) {
		si, b = newSite(t, opts), &browser{}
		si.visit(b, loggedIn)
		time.Sleep(10*time.Minute - time.Millisecond)
		was := b.cookie
		if si.visit(b, look); b.cookie != was {
			t.Error("renewed before its time")
		}
		time.Sleep(time.Millisecond)
		si.visit(b, look)
		if b.cookie == was {
			t.Fatal("not renewed")
		}
		si.kinds()
		return si, b, &browser{cookie: was}
	}
	subject := func(si *site, b *browser) (subject string) {
		si.visit(b, func(s *session.Session[cart]) error { subject = s.Subject(); return nil })
		return subject
	}

	t.Run("the previous secret is good until the new one is used, and for the window", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b, old := start(t)
			time.Sleep(30*time.Second - time.Millisecond)
			was := old.cookie
			si.visit(old, incremented)
			if old.cookie != was {
				t.Error("a request in the window got a cookie, over the new one")
			}
			if si.data(b).N != 1 { // the first use
				t.Error("the change of a request in the window is lost")
			}
			time.Sleep(30*time.Second - time.Millisecond)
			if subject(si, old) != "alice" {
				t.Error("the previous secret is refused within the window")
			}
			si.kinds()
			time.Sleep(time.Millisecond)
			if subject(si, old) != "" || subject(si, b) != "alice" {
				t.Error("the previous secret is good after the window, or the new one is not")
			}
			if !si.saw(session.EventReused) {
				t.Error("no event tells that a replaced secret came back")
			}
		})
	})
	t.Run("the first use is noted once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b, _ := start(t)
			si.store.took()
			si.visit(b, look)
			si.visit(b, look)
			if got := si.store.took(); !slices.Equal(got, []string{"load", "update", "load"}) {
				t.Errorf("the store got %v, want one write for the renewal", got)
			}
		})
	})
	t.Run("a request under way since the renewal does not make another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, opts), &browser{}
			si.visit(b, loggedIn)
			time.Sleep(10 * time.Minute)
			slow := *b
			si.visit(b, look)
			r := si.begin(&slow)
			if err := r.get().Update(increment); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // the browser may have received the new secret since
			if h, err := r.respond(); err != nil || cookieOf(h) != "" {
				t.Errorf("got %v and the cookie %q, want none", err, cookieOf(h))
			}
			if subject(si, b) != "alice" {
				t.Error("the browser has received the new secret, and is logged out")
			}
		})
	})
	t.Run("a request under way at the renewal", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, opts), &browser{}
			si.visit(b, loggedIn)
			old := *b
			r := si.begin(&old)
			if err := r.get().Update(increment); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			si.visit(b, look)
			h, err := r.respond()
			if err != nil || cookieOf(h) != "" {
				t.Errorf("got %v and the cookie %q: the other request renewed already", err, cookieOf(h))
			}
			time.Sleep(time.Minute)
			if si.data(b).N != 1 || subject(si, b) != "alice" {
				t.Error("the change is lost, or the session")
			}
		})
	})
	t.Run("none after a change of privilege", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b, old := start(t)
			newer := *b
			si.visit(b, func(s *session.Session[cart]) error { return s.Renew() })
			if subject(si, old) != "" || subject(si, &newer) != "" || subject(si, b) != "alice" {
				t.Error("an earlier secret is good after Renew")
			}
		})
	})
	t.Run("beside a change that another made first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, opts), &browser{}
			si.visit(b, loggedIn)
			time.Sleep(11 * time.Minute)
			r, set := si.begin(b), func(c *cart) error { c.N = 5; return nil }
			s := r.get()
			if err := errors.Join(s.Update(set), si.Update(t.Context(), s.ID(), set)); err != nil {
				t.Fatal(err)
			}
			if h, err := r.respond(); err != nil || cookieOf(h) == "" {
				t.Errorf("got %v and the cookie %q: nothing was left to write, and the renewal is due", err, cookieOf(h))
			}
		})
	})
	t.Run("its failure fails no read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, opts), &browser{}
			si.visit(b, loggedIn)
			time.Sleep(11 * time.Minute)
			was := b.cookie
			si.store.down("update")
			si.visit(b, look)
			si.store.hook(nil, nil)
			if b.cookie != was || subject(si, b) != "alice" || b.cookie == was {
				t.Error("want the old cookie while the store is down, and a renewal with the next request")
			}
		})
	})
}
