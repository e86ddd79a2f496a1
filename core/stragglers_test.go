package session_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// renamed returns a site whose cookie has been renamed from "__Host-old", on the
// store of a site of that time, and a browser that has the old cookie.
func renamed(t *testing.T, opts session.Options) (*site, *browser) {
	t.Helper()
	store := newTestStore()
	before := opts
	before.Cookie = session.Cookie{Name: "__Host-old"}
	old, b := newSiteOn(t, store, &before), &browser{}
	old.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("alice", nil), s.Update(increment)) })
	opts.Cookie = session.Cookie{Name: "__Host-new", Former: []session.Cookie{{Name: "__Host-old"}}}
	return newSiteOn(t, store, &opts), b
}

// present keeps the cookie that a response hands out, and not its removals.
func present(h session.Header) string {
	for _, line := range h.SetCookie {
		if pair, _, _ := strings.Cut(line, ";"); !strings.HasSuffix(pair, "=") {
			return pair
		}
	}
	return ""
}

// Law 3: a straggler with a former cookie is recognised too.
func TestStragglerByFormerCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := renamed(t, session.Options{})
		straggler := si.begin(&browser{b.cookie}) // sent before the login, arrives after it
		login := si.begin(&browser{b.cookie})
		if err := login.get().Login("alice", nil); err != nil {
			t.Fatal(err)
		}
		if h, err := login.Commit(session.Response{}); err != nil || present(h) == "" {
			t.Fatal(h, err)
		}
		s := straggler.get()
		if err := s.Update(increment); !errors.Is(err, session.ErrSuperseded) {
			t.Errorf("Update of the straggler: got %v, want ErrSuperseded", err)
		}
		if h, err := straggler.Commit(session.Response{}); cookieOf(h) != "" {
			t.Errorf("the straggler sets %q, %v, over the cookie of the newer login", cookieOf(h), err)
		}
	})
}

// Law 3: a straggler under the present name does not log out the newer login by
// means of a former cookie that is still there.
func TestStragglerBesideFormerCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, former := renamed(t, session.Options{})
		b := &browser{}
		si.visit(b, loggedIn)
		both := &browser{b.cookie + "; " + former.cookie}
		if b.cookie = present(si.visit(&browser{b.cookie}, loggedIn)); b.cookie == "" {
			t.Fatal("no cookie")
		}
		straggler := si.begin(both)
		_ = straggler.get().Destroy()
		if h, err := straggler.Commit(session.Response{}); cookieOf(h) != "" {
			t.Errorf("the straggler sends %q, %v, and so logs out the newer login", cookieOf(h), err)
		}
	})
}

// Law 3: if a request undoes its own login that went on in a new session, it
// leaves the cookie alone, which may already belong to a newer session.
func TestLoginThatWentOnThenLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(&browser{b.cookie})
		s := r.get()
		si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
		si.visit(b, loggedIn) // the newer session
		if err := errors.Join(s.Login("alice", nil), s.Commit(t.Context()), s.Destroy()); err != nil {
			t.Fatal(err)
		}
		if h, err := r.respond(); err != nil || cookieOf(h) != "" {
			t.Errorf("got %v and %q: it takes away the cookie of the newer session", err, cookieOf(h))
		}
	})
}

// Law 3: if a request has found its new session ended, it does not hand out the
// token. That would replace the cookie of a newer session by one that opens
// nothing.
func TestNoTokenOfAnEndedSession(t *testing.T) {
	for name, act := range map[string]func(*session.Session[cart]) error{
		"update": incremented,
		"logout": func(s *session.Session[cart]) error { return s.Destroy() },
	} {
		t.Run(name, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			r := si.begin(b)
			s := r.get()
			if err := errors.Join(s.Login("alice", nil), s.Commit(t.Context())); err != nil {
				t.Fatal(err)
			}
			if err := si.Revoke(t.Context(), s.ID()); err != nil {
				t.Fatal(err)
			}
			if err := act(s); err != nil {
				t.Fatal(err)
			}
			if h, err := r.respond(); err != nil || cookieOf(h) != "" {
				t.Errorf("got %v and %q: this session has ended", err, cookieOf(h))
			}
		})
	}
}

// Law 19: the previous secret also stays good in a former cookie.
func TestRenewalOfAFormerCookieLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := renamed(t, session.Options{RenewEvery: 10 * time.Minute})
		time.Sleep(11 * time.Minute)
		lost := si.begin(b)
		lost.get()
		if h, err := lost.Commit(session.Response{}); err != nil || present(h) == "" {
			t.Fatal(h, err)
		}
		_ = lost.Finish() // the response never arrives
		if got := si.begin(b).get().Subject(); got != "alice" {
			t.Errorf("got subject %q, want alice: the browser never got the new secret", got)
		}
	})
}

// Law 18: a renewal by RenewEvery in another request does not make a long
// request a straggler.
func TestRenewalUnderALongRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, &session.Options{RenewEvery: 10 * time.Minute}), &browser{}
		si.visit(b, loggedIn)
		time.Sleep(9 * time.Minute)
		r := si.begin(&browser{b.cookie})
		s := r.get()
		time.Sleep(2 * time.Minute)
		si.visit(b, look) // renews
		si.visit(b, look) // has received it
		time.Sleep(5 * time.Minute)
		if err := s.Update(increment); err != nil {
			t.Fatal(err)
		}
		if _, err := r.respond(); err != nil {
			t.Errorf("7 minutes after Get, with an IdleTimeout of an hour: got %v", err)
		}
	})
}

// Law 18: changes before a Login that finds the Lifetime over do not vanish silently.
func TestChangesBeforeALoginAfterLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, &session.Options{Lifetime: time.Hour}), &browser{}
		si.visit(b, loggedIn)
		time.Sleep(59 * time.Minute)
		r := si.begin(b)
		s := r.get()
		if err := s.Update(add("dropped")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if err := s.Login("alice", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := r.respond(); err != nil {
			t.Fatal(err)
		}
		if !si.saw(session.EventDiscarded) {
			t.Error("no event tells of the dropped change")
		}
	})
}

// Law 3: a straggler logs in anew or does nothing. If its login is not stored,
// later changes of the request create no session over the newer one.
func TestStragglerWhoseLoginFails(t *testing.T) {
	for name, fail := range map[string]func(si *site, s *session.Session[cart]){
		"the store is down": func(si *site, s *session.Session[cart]) {
			si.store.down()
			if err := errors.Join(s.Login("alice", nil), s.Commit(t.Context())); !errors.Is(err, session.ErrUnavailable) {
				t.Fatal(err)
			}
			si.store.hook(nil, nil)
		},
		"it is taken back": func(_ *site, s *session.Session[cart]) {
			if err := errors.Join(s.Login("alice", nil), s.Destroy()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			r := si.begin(&browser{b.cookie})
			si.visit(b, loggedIn)
			s := r.get()
			fail(si, s)
			if err := s.Update(increment); !errors.Is(err, session.ErrSuperseded) {
				t.Errorf("Update: got %v, want ErrSuperseded", err)
			}
			if h, err := r.respond(); err != nil || cookieOf(h) != "" || h.RetryAfter == "" {
				t.Errorf("got %v and %+v: want no cookie over that of the newer login", err, h)
			}
		})
	}
	t.Run("a function panics when it runs again", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		r := si.begin(&browser{b.cookie})
		s := r.get()
		if err := errors.Join(s.Login("alice", nil), s.Update(func(c *cart) error {
			if c.N == 0 {
				panic("the cart is empty")
			}
			return nil
		})); err != nil {
			t.Fatal(err)
		}
		si.visit(b, loggedIn)
		func() {
			defer func() { _ = recover() }()
			_ = s.Commit(t.Context())
		}()
		if err := s.Update(increment); !errors.Is(err, session.ErrSuperseded) {
			t.Errorf("Update: got %v, want ErrSuperseded", err)
		}
		if h, err := r.respond(); err != nil || cookieOf(h) != "" {
			t.Errorf("got %v and %q over the cookie of the newer login", err, cookieOf(h))
		}
	})
}

// Law 3: a straggler's second login keeps what came with the first.
func TestStragglerLogsInTwice(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, loggedIn)
	old := &browser{b.cookie}
	si.visit(b, loggedIn)
	si.visit(old, func(s *session.Session[cart]) error {
		return errors.Join(s.Login("alice", nil), s.Update(increment), s.Login("alice", nil), s.Update(increment))
	})
	if n := si.data(old).N; n != 2 {
		t.Errorf("got %d, want 2", n)
	}
}
