package session_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// bindingOptions are those of a site that binds sessions.
func bindingOptions() *session.Options {
	return &session.Options{Device: session.Device{Path: "/device"}}
}

const (
	interval = 10 * time.Minute // the default
	window   = time.Minute
)

// A laptop is a browser that can be bound. Its key is opaque to the engine.
type laptop struct {
	browser
	key       string
	id        session.ID
	challenge string // the one that was told last
}

var offered = regexp.MustCompile(`^\(ES256 RS256\);path="/device";challenge="([\w-]{32})"$`)

// logIn logs in, and returns the browser with the challenge of the offer.
func (si *site) logIn(key string) *laptop {
	si.t.Helper()
	l := &laptop{key: key}
	l.offered(si.t, si.visit(&l.browser, loggedIn))
	return l
}

func (l *laptop) offered(t *testing.T, h session.Header) {
	t.Helper()
	found := offered.FindStringSubmatch(h.Registration)
	if found == nil {
		t.Fatalf("the offer is %q", h.Registration)
	}
	l.challenge = found[1]
}

// register sends the registration, and receives the answer.
func (si *site) register(l *laptop) (session.DeviceAnswer, error) {
	si.t.Helper()
	r := si.begin(&l.browser)
	a, err := session.RegisterDevice(r, si, l.challenge, []byte(l.key))
	si.answer(r, l, a, err)
	return a, err
}

// registers is register, which has to succeed.
func (si *site) registers(l *laptop) {
	si.t.Helper()
	if a, err := si.register(l); err != nil || !a.Done {
		si.t.Fatalf("register: %+v, %v", a, err)
	}
}

// refresh sends the ID and a signature of the challenge, and receives the answer.
func (si *site) refresh(l *laptop) (session.DeviceAnswer, error) {
	si.t.Helper()
	r := si.begin(&l.browser)
	a, err := session.RefreshDevice(r, si, l.id, l.challenge, func(key []byte) bool { return string(key) == l.key })
	si.answer(r, l, a, err)
	return a, err
}

func (si *site) answer(r *request, l *laptop, a session.DeviceAnswer, err error) {
	si.t.Helper()
	h, commitErr := r.respond()
	if commitErr != nil || r.Finish() != nil {
		si.t.Fatalf("Commit: %v", commitErr)
	}
	if done := err == nil && a.Done; done != (cookieOf(h) != "") || h.Registration != "" {
		si.t.Errorf("the answer %+v, %v has the header %+v", a, err, h)
	}
	if err == nil {
		l.id, l.challenge = a.ID, a.Challenge
	}
}

// bound returns a browser whose session is bound, and was used since.
func (si *site) bound(key string) *laptop {
	si.t.Helper()
	l := si.logIn(key)
	si.registers(l)
	si.visit(&l.browser, incremented)
	si.kinds()
	return l
}

// opens reports whether a cookie opens the session.
func (si *site) opens(b *browser, id session.ID) bool {
	si.t.Helper()
	open := false
	copied := *b // no thief's browser receives a cookie for another
	si.visit(&copied, func(s *session.Session[cart]) error { open = s.ID() == id && s.Subject() == "alice"; return nil })
	return open
}

func (si *site) binding(id session.ID) session.Binding {
	si.t.Helper()
	info, err := si.Find(si.t.Context(), id)
	if err != nil {
		si.t.Fatalf("Find: %v", err)
	}
	return info.Binding
}

func TestDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.logIn("key")
		si.kinds()
		before := l.browser
		r := si.begin(&l.browser)
		if got := r.get().Binding(); got != session.Asked {
			t.Errorf("after the login: %q", got)
		}
		a, err := si.register(l)
		if err != nil || !a.Done {
			t.Fatalf("register: %+v, %v", a, err)
		}
		if got := si.kinds(); !slices.Equal(got, []session.EventKind{session.EventLoaded, session.EventLoaded, session.EventBound}) {
			t.Errorf("events %v", got)
		}
		if got := si.binding(l.id); got != session.Bound {
			t.Errorf("after the registration: %q", got)
		}
		if !si.opens(&before, l.id) || !si.opens(&l.browser, l.id) {
			t.Error("a request that was on its way, or one after it, opens nothing")
		}
		time.Sleep(window)
		if si.opens(&before, l.id) || !si.saw(session.EventOverdue) {
			t.Error("the secret from before the registration still opens the session, or nobody is told")
		}
		for range 5 {
			time.Sleep(interval - time.Second)
			before := l.browser
			if a, err := si.refresh(l); err != nil || !a.Done {
				t.Fatalf("refresh: %+v, %v", a, err)
			}
			if !si.saw(session.EventRefreshed) || l.browser == before || !si.opens(&before, l.id) {
				t.Error("want a refresh, another cookie, and the last one good for its time")
			}
			si.visit(&l.browser, incremented)
		}
		if got := si.data(&l.browser); got.N != 5 {
			t.Errorf("the data is %+v", got)
		}
	})
}

// The cookie of a bound session is good for the interval, and says so.
func TestDeviceCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.logIn("key")
		r := si.begin(&l.browser)
		if _, err := session.RegisterDevice(r, si, l.challenge, []byte("key")); err != nil {
			t.Fatal(err)
		}
		h, err := r.respond()
		if err != nil || !strings.Contains(cookieOf(h), "; Max-Age=600;") || h.CacheControl != "no-store" {
			t.Errorf("the answer has %+v, %v", h, err)
		}
		path, name, attributes := session.DeviceCookie(si)
		if want := name + "=" + l.token() + "; " + strings.Replace(attributes, "Path=/", "Path=/; Max-Age=600", 1); path != "/device" || cookieOf(h) != want {
			t.Errorf("the cookie is %q, and the instructions say %q", cookieOf(h), want)
		}
	})
}

// A copy of the cookie opens the session for the interval and the window, and then
// nothing, whatever the victim does. Whoever has it can neither refresh nor register.
func TestDeviceTheft(t *testing.T) {
	for _, every := range []time.Duration{0, 9 * time.Minute, 25 * time.Minute} { // the victim's refreshes
		refreshes := every != 0
		synctest.Test(t, func(t *testing.T) {
			si := newSite(t, bindingOptions())
			l := si.bound("key")
			thief := &laptop{browser: l.browser, key: "thief's", id: l.id, challenge: l.challenge}
			if _, err := si.register(thief); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("the thief registers: %v", err)
			}
			for passed := time.Duration(0); passed < time.Hour; passed += time.Minute {
				open := si.opens(&thief.browser, l.id)
				if want := passed < interval+window; open != want && (open || !refreshes) {
					t.Errorf("refreshed every %v: after %v the copy opens the session: %v", every, passed, open)
				}
				if told := si.saw(session.EventOverdue); told == open {
					t.Errorf("after %v: the copy opens it: %v, and an event tells of it: %v", passed, open, told)
				}
				if _, err := si.refresh(thief); session.HTTPStatus(err) != 409 {
					t.Fatalf("the thief refreshes: %v", err)
				}
				if refreshes && passed != 0 && passed%every == 0 {
					a, err := si.refresh(l)
					if err == nil && !a.Done { // the challenge is too old
						a, err = si.refresh(l)
					}
					if err != nil || !a.Done {
						t.Fatalf("the victim's refresh: %+v, %v", a, err)
					}
					if passed >= interval+window && si.opens(&thief.browser, l.id) {
						t.Errorf("refreshed every %v: after %v a refresh lets the copy in again", every, passed)
					}
					si.kinds()
				}
				if refreshes && passed%every < interval && !si.opens(&l.browser, l.id) {
					t.Fatalf("after %v the victim is logged out", passed)
				}
				time.Sleep(time.Minute)
			}
		})
	}
	t.Run("without a device", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			time.Sleep(interval + 2*window)
			si.visit(b, func(s *session.Session[cart]) error {
				if s.Subject() != "alice" || s.Binding() != session.Unbound {
					t.Error("a copy opens no session that is not bound: then this test shows nothing")
				}
				return nil
			})
		})
	})
}

// A refresh is no use: the idle clock goes on, and ends the session.
func TestRefreshIsNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.bound("key")
		info, err := si.Find(t.Context(), l.id)
		if err != nil {
			t.Fatal(err)
		}
		for range 6 {
			time.Sleep(9 * time.Minute)
			if a, err := si.refresh(l); err != nil || !a.Done {
				t.Fatalf("refresh: %+v, %v", a, err)
			}
			if got, err := si.Find(t.Context(), l.id); err != nil || !got.ExpiresAt.Equal(info.ExpiresAt) {
				t.Fatalf("the expiry is %v, %v, and was %v", got.ExpiresAt, err, info.ExpiresAt)
			}
		}
		time.Sleep(9 * time.Minute)
		if _, err := si.refresh(l); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("after the idle timeout: %v", err)
		}
	})
}

// Law 19: whatever answer is lost, the browser goes on.
func TestDeviceLostAnswer(t *testing.T) {
	lost := func(l *laptop) *laptop { copied := *l; return &copied }
	t.Run("registration", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si := newSite(t, bindingOptions())
			l := si.logIn("lost key")
			if _, err := si.register(lost(l)); err != nil {
				t.Fatal(err)
			}
			if h := si.visit(&l.browser, incremented); cookieOf(h) != "" {
				t.Errorf("a request that was on its way is answered by %q", cookieOf(h))
			}
			time.Sleep(window)
			l.offered(t, si.visit(&l.browser, incremented))
			l.key = "new key"
			si.registers(l)
			si.visit(&l.browser, incremented)
			time.Sleep(interval)
			if a, err := si.refresh(l); err != nil || !a.Done {
				t.Fatalf("refresh: %+v, %v", a, err)
			}
			if got := si.data(&l.browser); got.N != 3 {
				t.Errorf("the data is %+v", got)
			}
		})
	})
	t.Run("refresh", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si := newSite(t, bindingOptions())
			l := si.bound("key")
			time.Sleep(interval - 2*time.Minute)
			for range 2 {
				if a, err := si.refresh(lost(l)); err != nil || a.Done != (l.challenge != "") {
					t.Fatalf("refresh: %+v, %v", a, err)
				}
				r := si.begin(&l.browser)
				a, err := session.RefreshDevice(r, si, l.id, "", nil)
				if err != nil {
					t.Fatal(err)
				}
				l.challenge = a.Challenge
			}
			time.Sleep(2 * time.Minute)
			si.visit(&l.browser, incremented) // its cookie is good to the end of its time
			if a, err := si.refresh(l); err != nil || !a.Done {
				t.Fatalf("refresh: %+v, %v", a, err)
			}
			if got := si.data(&l.browser); got.N != 2 {
				t.Errorf("the data is %+v", got)
			}
		})
	})
}

// A challenge is used once, by one session, for a time.
func TestDeviceChallenge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l, other := si.bound("key"), si.bound("other")
		first := l.challenge
		if a, err := si.refresh(l); err != nil || !a.Done {
			t.Fatalf("%+v, %v", a, err)
		}
		right := l.challenge
		for name, challenge := range map[string]string{
			"used": first, "another session's": other.challenge, "none": "", "junk": strings.Repeat("A", 32), "too long": right + "AAAA",
		} {
			l.challenge = challenge
			cookie := l.cookie
			a, err := si.refresh(l)
			if err != nil || a.Done || l.challenge == challenge || l.cookie != cookie {
				t.Errorf("%s: got %+v, %v, want another challenge", name, a, err)
			}
		}
		time.Sleep(interval + window)
		l.challenge = right
		if a, err := si.refresh(l); err != nil || a.Done {
			t.Errorf("too old: %+v, %v", a, err)
		}
		if a, err := si.refresh(l); err != nil || !a.Done {
			t.Errorf("the new one: %+v, %v", a, err)
		}
	})
}

// Of refreshes with one challenge, one renews the secret, and the others sign again.
// What other requests have changed meanwhile is kept.
func TestRefreshesOverlap(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	twin := *l
	si.store.once("update", func() {
		si.visit(&l.browser, incremented)
		if a, err := si.refresh(&twin); err != nil || !a.Done {
			t.Errorf("the first: %+v, %v", a, err)
		}
	})
	if a, err := si.refresh(l); err != nil || a.Done {
		t.Errorf("the second: %+v, %v, want another challenge", a, err)
	}
	if slices.Contains(si.kinds(), session.EventError) {
		t.Error("a refresh that was slower is reported as an error")
	}
	if a, err := si.refresh(l); err != nil || !a.Done {
		t.Errorf("the second again: %+v, %v", a, err)
	}
	if got := si.data(&l.browser); got.N != 2 {
		t.Errorf("the data is %+v", got)
	}
	si.store.once("update", func() { si.visit(&l.browser, incremented) })
	if a, err := si.refresh(l); err != nil || !a.Done {
		t.Errorf("beside an update: %+v, %v", a, err)
	}
	if got := si.data(&l.browser); got.N != 3 {
		t.Errorf("the data is %+v", got)
	}
}

// A refresh that overlaps with a Renew signs again. An error would be a 409, and
// Chromium gives up the key on any status from 300 to 499 but 403 (law 19).
func TestRefreshBesideRenew(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	si.store.once("update", func() {
		si.visit(&browser{l.cookie}, func(s *session.Session[cart]) error { return s.Renew() })
	})
	if a, err := si.refresh(l); err != nil || a.Done {
		t.Fatalf("got %+v, %v, want another challenge", a, err)
	}
	if a, err := si.refresh(l); err != nil || !a.Done || !si.opens(&l.browser, l.id) {
		t.Errorf("the second: %+v, %v", a, err)
	}
}

// A login, and the registration of another key, may come between the check of a
// signature and the write.
func TestRefreshBesideOtherDevice(t *testing.T) {
	for _, cookie := range []bool{true, false} {
		si := newSite(t, bindingOptions())
		l := si.bound("key")
		other := &laptop{browser: l.browser, key: "other"}
		if !cookie {
			l.cookie = ""
		}
		si.store.once("update", func() {
			other.offered(t, si.visit(&other.browser, loggedIn))
			if a, err := si.register(other); err != nil || !a.Done {
				t.Errorf("register: %+v, %v", a, err)
			}
		})
		if a, err := si.refresh(l); !errors.Is(err, session.ErrSuperseded) {
			t.Errorf("with the cookie: %v: got %+v, %v", cookie, a, err)
		}
		if slices.Contains(si.kinds(), session.EventError) {
			t.Errorf("with the cookie: %v: that a login was faster is reported as an error", cookie)
		}
		if a, err := si.refresh(other); err != nil || !a.Done {
			t.Errorf("the other's refresh: %+v, %v", a, err)
		}
	}
}

// Law 19: a straggler of a login is told when to come again.
func TestRegisterAfterLogin(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.logIn("key")
	si.visit(&browser{l.cookie}, loggedIn)
	r := si.begin(&l.browser)
	if _, err := session.RegisterDevice(r, si, l.challenge, []byte("key")); !errors.Is(err, session.ErrSuperseded) {
		t.Fatalf("register: %v", err)
	}
	if h, err := r.respond(); err != nil || h.RetryAfter == "" {
		t.Errorf("the answer has %+v, %v", h, err)
	}
}

// Laws 2 and 3: a refresh brings nothing back, and undoes no login.
func TestRefreshUndoesNothing(t *testing.T) {
	ends := map[string]func(*site, *laptop){
		"logout": func(si *site, l *laptop) {
			si.visit(&browser{l.cookie}, func(s *session.Session[cart]) error { return s.Destroy() })
		},
		"revoke": func(si *site, l *laptop) {
			if err := si.Revoke(si.t.Context(), l.id); err != nil {
				si.t.Error(err)
			}
		},
		"login": func(si *site, l *laptop) { si.visit(&browser{l.cookie}, loggedIn) },
		"another's login": func(si *site, l *laptop) {
			si.visit(&browser{l.cookie}, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
		},
	}
	for name, end := range ends {
		t.Run(name+" before", func(t *testing.T) {
			si := newSite(t, bindingOptions())
			l := si.bound("key")
			end(si, l)
			if a, err := si.refresh(l); session.HTTPStatus(err) != 409 {
				t.Errorf("got %+v, %v", a, err)
			}
		})
		t.Run(name+" meanwhile", func(t *testing.T) {
			si := newSite(t, bindingOptions())
			l := si.bound("key")
			si.store.once("update", func() { end(si, l) })
			if a, err := si.refresh(l); err == nil && a.Done || session.HTTPStatus(err) != 409 {
				t.Errorf("got %+v, %v", a, err)
			}
		})
		t.Run(name+" meanwhile, without the cookie", func(t *testing.T) {
			si := newSite(t, bindingOptions())
			l := si.bound("key")
			si.store.once("update", func() { end(si, l) })
			bare := *l
			bare.cookie = ""
			if a, err := si.refresh(&bare); err == nil && a.Done || session.HTTPStatus(err) != 409 {
				t.Errorf("got %+v, %v", a, err)
			}
		})
	}
}

// Law 4: who has bound a session cannot open what another logs in to with it.
func TestDeviceFixation(t *testing.T) {
	si := newSite(t, bindingOptions())
	attacker := si.bound("attacker's")
	victim := &laptop{browser: attacker.browser, key: "victim's"}
	victim.offered(t, si.visit(&victim.browser, func(s *session.Session[cart]) error { return s.Login("victim", nil) }))
	for range 3 {
		if a, err := si.refresh(attacker); !errors.Is(err, session.ErrSuperseded) {
			t.Fatalf("the attacker refreshes: %+v, %v", a, err)
		}
	}
	if a, err := si.register(victim); err != nil || !a.Done {
		t.Errorf("the victim registers: %+v, %v", a, err)
	}
}

// A refresh does not replace the session of somebody who has logged in since. It
// replaces that of a visitor.
func TestRefreshBesideOtherSession(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	old := l.cookie
	l.cookie = ""
	si.visit(&l.browser, loggedIn)
	newer := l.cookie
	if a, err := si.refresh(l); !errors.Is(err, session.ErrSuperseded) || l.cookie != newer {
		t.Errorf("over a login: %+v, %v", a, err)
	}
	l.cookie = ""
	si.visit(&l.browser, incremented)
	if a, err := si.refresh(l); err != nil || !a.Done || !si.opens(&l.browser, l.id) || l.cookie == old {
		t.Errorf("over a visitor's: %+v, %v", a, err)
	}
}

// Law 7: a store that is down logs nobody out.
func TestDeviceOutage(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.logIn("key")
	si.store.down()
	if _, err := si.register(l); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("register: %v", err)
	}
	si.store.hook(nil, nil)
	si.registers(l)
	for _, cookie := range []string{l.cookie, ""} {
		l.cookie = cookie
		si.store.down()
		if _, err := si.refresh(l); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("refresh: %v", err)
		}
		si.store.hook(nil, nil)
		if a, err := si.refresh(l); err != nil || !a.Done {
			t.Errorf("refresh: %+v, %v", a, err)
		}
	}
}

// Nobody learns by a challenge which sessions there are.
func TestChallengeTellsNothing(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	unbound := &browser{}
	si.visit(unbound, incremented)
	for name, id := range map[string]session.ID{"bound": l.id, "none": session.NewID()} {
		r := si.begin(&browser{})
		a, err := session.RefreshDevice(r, si, id, "", nil)
		if err != nil || a.Done || a.ID != id || len(a.Challenge) != 32 {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		r = si.begin(&browser{})
		if _, err := session.RefreshDevice(r, si, id, l.challenge, func([]byte) bool { return false }); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: a wrong signature: %v", name, err)
		}
	}
}

// A login that must be bound ends after the interval.
func TestDeviceRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := bindingOptions()
		opts.Device.Required = true
		si := newSite(t, opts)
		l, plain := si.logIn("key"), si.logIn("")
		si.registers(l)
		visitor := &browser{}
		si.visit(visitor, incremented)
		time.Sleep(interval - time.Millisecond)
		si.visit(&plain.browser, func(s *session.Session[cart]) error {
			if s.Subject() != "alice" || s.Binding() != session.Asked {
				t.Errorf("got %q, %q", s.Subject(), s.Binding())
			}
			return nil
		})
		time.Sleep(time.Millisecond)
		si.visit(&plain.browser, func(s *session.Session[cart]) error {
			if s.Subject() != "" {
				t.Error("who did not register is logged in for longer")
			}
			return nil
		})
		if !si.opens(&l.browser, l.id) || si.data(visitor).N != 1 {
			t.Error("who did register, or a visitor, has ended too")
		}
	})
}

// A bound session has no renewal by time.
func TestDeviceRenewEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := bindingOptions()
		opts.RenewEvery = 5 * time.Minute
		si := newSite(t, opts)
		l := si.bound("key")
		time.Sleep(6 * time.Minute)
		if h := si.visit(&l.browser, look); cookieOf(h) != "" {
			t.Errorf("got %q", cookieOf(h))
		}
	})
}

// Renew keeps the binding, and ends the secret at once.
func TestDeviceRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.bound("key")
		copied := l.browser
		h := si.visit(&l.browser, func(s *session.Session[cart]) error { return s.Renew() })
		if h.Registration != "" || !strings.Contains(cookieOf(h), "Max-Age=600") {
			t.Errorf("got %+v", h)
		}
		if si.opens(&copied, l.id) || !si.opens(&l.browser, l.id) || si.binding(l.id) != session.Bound {
			t.Error("want the old secret to be refused, and the session to be bound")
		}
		if a, err := si.refresh(l); err != nil || a.Done {
			t.Errorf("the challenge is one of the old secret: %+v, %v", a, err)
		}
		if a, err := si.refresh(l); err != nil || !a.Done {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

// Nothing of a device is stored without the option.
func TestDeviceOffStoresNothing(t *testing.T) {
	size := func(opts *session.Options) (bytes int) {
		si := newSite(t, opts)
		si.visit(&browser{}, loggedIn)
		for _, r := range si.store.Records {
			bytes += len(r.Data)
		}
		return bytes
	}
	const salt = 16
	if off, on := size(nil), size(bindingOptions()); off > on-salt {
		t.Errorf("a login takes %d bytes without the option, and %d with it", off, on)
	}
}

// Nothing is asked of visitors, and nothing without the option.
func TestDeviceOff(t *testing.T) {
	si, b := newSite(t, bindingOptions()), &browser{}
	if h := si.visit(b, incremented); h.Registration != "" {
		t.Errorf("a visitor is asked: %q", h.Registration)
	}
	if _, err := session.RegisterDevice(si.begin(b), si, "", []byte("key")); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("a visitor registers: %v", err)
	}
	si = newSite(t, nil)
	if h := si.visit(b, loggedIn); h.Registration != "" {
		t.Errorf("without the option: %q", h.Registration)
	}
	if _, err := session.RegisterDevice(si.begin(b), si, "", []byte("key")); err == nil || errors.Is(err, session.ErrNotFound) {
		t.Errorf("without the option: %v", err)
	}
}
