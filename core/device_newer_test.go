package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 19: a browser has one name for its logins, and gives up what it has under that
// name on any status from 400 to 499 but 403. A refresh that began before a login, and
// arrives after it, is judged when the browser comes without the cookie of the login.
func TestOldRefreshEndsNoNewerLogin(t *testing.T) {
	type browsers struct{ old, newer *laptop } // one browser: the key that a refresh signs with, and the newer login
	for name, test := range map[string]struct {
		login func(*session.Session[cart]) error
		bare  bool // the login had no cookie, and so it has another session
		held  bool // the refresh has the cookie from before the login
		binds bool // the newer login is registered before the refresh arrives
	}{
		"with the cookie of a newer login":            {login: loggedIn},
		"registered":                                  {login: loggedIn, binds: true},
		"of another subject":                          {login: asBob},
		"of another subject, registered":              {login: asBob, binds: true},
		"in another session":                          {login: asBob, bare: true},
		"in another session, registered":              {login: asBob, bare: true, binds: true},
		"with the cookie from before a newer login":   {login: loggedIn, held: true},
		"with the cookie from before, registered":     {login: loggedIn, held: true, binds: true},
		"with the cookie from before another subject": {login: asBob, held: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si := newSite(t, bindingOptions())
				b := browsers{old: si.bound("old key")}
				before := b.old.cookie
				b.newer = &laptop{key: "new key"}
				if !test.bare {
					b.newer.cookie = before
				}
				b.newer.offered(t, si.visit(&b.newer.browser, test.login))
				if test.binds {
					si.registers(b.newer)
				}
				if b.old.cookie = b.newer.cookie; test.held {
					b.old.cookie = before
				}
				held := b.old.cookie
				r := si.begin(&b.old.browser)
				a, err := session.RefreshDevice(r, si, b.old.id, b.old.challenge, func(key []byte) bool { return string(key) == b.old.key })
				if !errors.Is(err, session.ErrSuperseded) || errors.Is(err, session.ErrNotFound) {
					t.Errorf("the refresh: %+v, %v, want ErrSuperseded", a, err)
				}
				if h, err := r.respond(); err != nil || b.old.cookie != held || h.RetryAfter != "60" {
					t.Errorf("the answer to the refresh: %+v, %v", h, err)
				}
				if !test.binds {
					si.registers(b.newer)
				}
				b.newer.cookie = ""
				if a, err := si.refresh(b.newer); err != nil || !a.Done {
					t.Errorf("the newer login: %+v, %v", a, err)
				}
				b.old.cookie = ""
				if a, err := si.refresh(b.old); test.bare && (err != nil || !a.Done) || !test.bare && !errors.Is(err, session.ErrNotFound) {
					t.Errorf("the old one, without a cookie: %+v, %v", a, err)
				}
			})
		})
	}
}

func asBob(s *session.Session[cart]) error { return s.Login("bob", nil) }

// A registration that failed is asked for again while it may come, with the first use in
// a minute. So an outage ends no login, also if it has to be bound.
func TestFailedRegistrationIsAskedAgain(t *testing.T) {
	for _, required := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			opts := bindingOptions()
			opts.Device.Required = required
			si := newSite(t, opts)
			l := si.logIn("key")
			si.store.down()
			if _, err := si.register(l); !errors.Is(err, session.ErrUnavailable) {
				t.Fatalf("register: %v", err)
			}
			si.store.hook(nil, nil)
			if h := si.visit(&l.browser, look); h.Registration != "" {
				t.Errorf("at once: %q: a browser that is about to register would do it twice", h.Registration)
			}
			time.Sleep(time.Minute)
			h := si.visit(&l.browser, look)
			if l.offered(t, h); cookieOf(h) != "" || h.CacheControl != "" {
				t.Errorf("after a minute: %+v", h)
			}
			if h := si.visit(&l.browser, look); h.Registration != "" {
				t.Errorf("it is asked twice in a minute: %q", h.Registration)
			}
			si.registers(l)
			time.Sleep(interval)
			if h := si.visit(&l.browser, look); h.Registration != "" || !si.opens(&l.browser, l.id) {
				t.Errorf("the session is not bound, or it is asked again: %+v", h)
			}
		})
	}
}

// Nobody is asked for ever: most browsers know nothing of it.
func TestNobodyIsAskedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.logIn("")
		asked := 0
		for range 3 * interval / time.Minute {
			time.Sleep(time.Minute)
			if si.visit(&l.browser, look).Registration != "" {
				asked++
			}
		}
		if want := int(interval/time.Minute) - 1; asked != want {
			t.Errorf("it was asked %d times, want %d", asked, want)
		}
	})
}

// Who has a cookie does not learn from a refresh which other sessions there are.
func TestOldRefreshTellsNothing(t *testing.T) {
	si := newSite(t, bindingOptions())
	other := si.bound("other key")
	current, straggler := si.bound("key"), si.bound("key")
	si.visit(&browser{straggler.cookie}, renewed)
	for name, b := range map[string]browser{"a login": current.browser, "a straggler": straggler.browser} {
		for _, id := range []session.ID{other.id, session.NewID()} {
			if a, err := si.refresh(&laptop{browser: b, key: "key", id: id, challenge: other.challenge}); !errors.Is(err, session.ErrSuperseded) {
				t.Errorf("%s: %+v, %v, want ErrSuperseded", name, a, err)
			}
			if a, err := session.RefreshDevice(si.begin(&b), si, id, "", nil); err != nil || a.Done || len(a.Challenge) != 32 {
				t.Errorf("%s, without a signature: %+v, %v", name, a, err)
			}
		}
	}
}
