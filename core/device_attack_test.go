package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

func renewed(s *session.Session[cart]) error { return s.Renew() }

// The first request with the cookie of a registration calls Renew. The first use of
// what Renew made lets the secret that Renew has refused not in again.
func TestDeviceRenewRefusesForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.logIn("key")
		si.registers(l)
		copied := l.browser
		si.visit(&l.browser, renewed)
		if si.opens(&copied, l.id) {
			t.Error("Renew does not refuse the secret from before it")
		}
		si.visit(&l.browser, incremented)
		for range 3 {
			if si.opens(&copied, l.id) {
				t.Error("the secret that Renew has refused opens the session again")
			}
			time.Sleep(window / 2)
		}
	})
}

// The previous secret of a registration is not good for longer because the next one
// was used.
func TestDeviceFirstUseProlongsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.logIn("key")
		copied := l.browser
		si.registers(l)
		time.Sleep(interval + window/2)
		si.visit(&l.browser, incremented)
		time.Sleep(window / 2)
		if si.opens(&copied, l.id) {
			t.Error("the secret from before the registration is good for longer than Interval and the window")
		}
	})
}

// Who has a copy of the cookie cannot make it last by Renew: only the device proves
// that the session is its own.
func TestDeviceRenewProlongsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.bound("key")
		thief := l.browser
		for passed := time.Duration(0); passed < 2*interval; passed += 3 * time.Minute {
			if open := si.opens(&thief, l.id); open != (passed < interval+window) {
				t.Errorf("after %v, with a Renew every 3 minutes, the copy opens the session: %v", passed, open)
			}
			si.visit(&thief, func(s *session.Session[cart]) error {
				if s.Subject() == "" {
					return nil
				}
				return s.Renew()
			})
			time.Sleep(3 * time.Minute)
		}
		a, err := si.refresh(l) // the challenge is one of a secret that was replaced
		if err == nil && !a.Done {
			a, err = si.refresh(l)
		}
		if err != nil || !a.Done || !si.opens(&l.browser, l.id) {
			t.Errorf("the victim's refresh: %+v, %v", a, err)
		}
	})
}

// Of two challenges for one ID nobody can tell whether there is a session, however
// fast they follow each other.
func TestChallengesDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.bound("key")
		for name, id := range map[string]session.ID{"bound": l.id, "none": session.NewID()} {
			seen := map[string]bool{}
			for range 4 {
				a, err := session.RefreshDevice(si.begin(&browser{}), si, id, "", nil)
				if err != nil {
					t.Fatal(err)
				}
				seen[a.Challenge] = true
			}
			if len(seen) < 2 {
				t.Errorf("%s: four challenges of one moment are the same", name)
			}
		}
	})
}

// Law 19: the answer to a registration is lost, and the browser's next request calls
// Renew. The browser has no key for what that makes. So it is asked again.
func TestDeviceLostRegistrationThenRenew(t *testing.T) {
	for name, pause := range map[string]time.Duration{"at once": 0, "after the window": 2 * window} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si := newSite(t, bindingOptions())
				l := si.logIn("lost key")
				lost := *l
				if a, err := si.register(&lost); err != nil || !a.Done {
					t.Fatalf("register: %+v, %v", a, err)
				}
				time.Sleep(pause)
				l.offered(t, si.visit(&l.browser, renewed))
				si.visit(&l.browser, incremented)
				time.Sleep(interval + window)
				if !si.opens(&l.browser, lost.id) {
					t.Error("the browser is logged out")
				}
			})
		})
	}
}

// A registration is undone if its browser still sends the secret from before it. That
// may be a thief. So operators hear of it.
func TestDeviceUndoneIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.logIn("key")
		before := l.browser
		si.registers(l)
		si.kinds()
		time.Sleep(window)
		si.visit(&before, look)
		if !si.saw(session.EventReused) || si.binding(l.id) == session.Bound {
			t.Error("a registration is undone and nothing tells of it, or it is not undone, and this test shows nothing")
		}
	})
}

// A refresh by another key is told, once, and as no theft: strangers can cause it. What
// a browser may do by itself is not told.
func TestRefusedRefreshIsTold(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	stranger := &laptop{key: "stranger's", id: l.id, challenge: l.challenge}
	thief := &laptop{browser: l.browser, key: "thief's", id: l.id, challenge: l.challenge}
	none := &laptop{key: "key", id: session.NewID()}
	si.events = nil
	for _, test := range []struct {
		name   string
		laptop *laptop
		want   []session.EventKind
	}{
		{"by a stranger", stranger, []session.EventKind{session.EventRefused}},
		{"with a copy of the cookie", thief, []session.EventKind{session.EventLoaded, session.EventRefused}},
		{"of a session that is none", none, nil},
	} {
		if _, err := si.refresh(test.laptop); session.HTTPStatus(err) != 409 {
			t.Errorf("%s: %v", test.name, err)
		}
		for _, e := range si.events {
			if e.Kind == session.EventRefused && (e.ID != l.id || e.Subject != "alice" || e.Err != nil) {
				t.Errorf("%s: the event is %+v", test.name, e)
			}
		}
		if got := si.kinds(); !slices.Equal(got, test.want) {
			t.Errorf("%s: events %v, want %v", test.name, got, test.want)
		}
	}
	l.challenge = strings.Repeat("A", 32)
	if a, err := si.refresh(l); err != nil || a.Done || si.saw(session.EventRefused) {
		t.Errorf("a challenge that is too old: %+v, %v, or it is told as refused", a, err)
	}
}

// Law 13: no event, no log line and no error of a bound session has a secret.
func TestDeviceLeaksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		opts := bindingOptions()
		opts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		si := newSite(t, opts)
		l := si.logIn("KEY-OF-THE-DEVICE")
		secrets := []string{l.token()[24:], l.challenge, l.key}
		act := func(act func(*laptop) (session.DeviceAnswer, error), l *laptop) {
			a, err := act(l)
			fmt.Fprintln(&log, err)
			secrets = append(secrets, l.token()[24:], a.Challenge)
		}
		act(si.register, l)
		thief := *l
		thief.key, thief.challenge = "KEY-OF-THE-THIEF", "CHALLENGE-OF-THE-THIEF"
		act(si.register, &thief)
		act(si.refresh, &thief)
		secrets = append(secrets, thief.key, "CHALLENGE-OF-THE-THIEF")
		act(si.refresh, l)
		time.Sleep(interval + window)
		si.visit(&l.browser, look) // overdue
		bare := *l
		act(si.refresh, &bare)
		r := si.begin(&bare.browser)
		fmt.Fprintf(&log, "%v %+v %#v %v", r.get(), r.get(), r.get(), r.Exchange)
		for _, kind := range []session.EventKind{session.EventBound, session.EventRefreshed, session.EventRefused, session.EventOverdue} {
			if !strings.Contains(log.String(), "event="+string(kind)) {
				t.Errorf("no event %q: this test shows too little", kind)
			}
		}
		for _, secret := range secrets {
			if secret != "" && strings.Contains(log.String(), secret) {
				t.Errorf("%q is in the log:\n%s", secret, &log)
			}
		}
	})
}

// A registration answers the challenge of the present secret, and comes with it.
func TestRegistrationRefused(t *testing.T) {
	si := newSite(t, bindingOptions())
	l, other := si.logIn("key"), si.logIn("other")
	right := l.challenge
	for name, challenge := range map[string]string{"none": "", "junk": strings.Repeat("A", 32), "another session's": other.challenge} {
		l.challenge = challenge
		if a, err := si.register(l); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	l.challenge = right
	r := si.begin(&l.browser)
	if err := r.get().Update(increment); err != nil {
		t.Fatal(err)
	}
	if _, err := session.RegisterDevice(r, si, right, []byte("key")); err == nil || errors.Is(err, session.ErrNotFound) {
		t.Errorf("beside a change: %v", err)
	}
	late := *l
	si.visit(&l.browser, renewed)
	if _, err := si.register(&late); !errors.Is(err, session.ErrSuperseded) {
		t.Errorf("a straggler: %v", err)
	}
	if a, err := si.register(l); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the challenge of the last secret: %+v, %v", a, err)
	}
	si.visit(&l.browser, func(s *session.Session[cart]) error {
		if s.Binding() == session.Bound {
			t.Error("it is bound after all that")
		}
		return nil
	})
}

// The time of a cookie counts from the registration, also if that came late.
func TestDeviceLateRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.logIn("key")
		time.Sleep(interval - window)
		si.visit(&l.browser, func(s *session.Session[cart]) error {
			if s.Binding() != session.Asked {
				t.Errorf("got %q", s.Binding())
			}
			return nil
		})
		si.registers(l)
		time.Sleep(interval)
		if !si.opens(&l.browser, l.id) {
			t.Error("the cookie ends before its time")
		}
		plain := si.logIn("")
		time.Sleep(interval)
		si.visit(&plain.browser, func(s *session.Session[cart]) error {
			if s.Binding() != session.Unbound {
				t.Errorf("long after the login: %q", s.Binding())
			}
			return nil
		})
	})
}

// A cookie that is past its time is told to last for a second: zero would be until
// the browser closes.
func TestDeviceRenewAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.bound("key")
		time.Sleep(interval + window/2)
		if h := si.visit(&l.browser, renewed); !strings.Contains(cookieOf(h), "; Max-Age=1;") {
			t.Errorf("got %q", cookieOf(h))
		}
	})
}

// The first use of a registration is noted once.
func TestDeviceFirstUseWritesOnce(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	si.store.took()
	for range 3 {
		si.visit(&l.browser, look)
	}
	if got := si.store.took(); !slices.Equal(got, []string{"load", "load", "load"}) {
		t.Errorf("the store got %v", got)
	}
}

// Answers that are lost prolong nothing.
func TestLostRefreshProlongsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l := si.bound("key")
		copied := l.browser
		time.Sleep(interval - window)
		for range 2 {
			lost := *l
			if a, err := si.refresh(&lost); err != nil || !a.Done {
				t.Fatalf("refresh: %+v, %v", a, err)
			}
			l.challenge = lost.challenge
		}
		time.Sleep(2*window - time.Millisecond)
		if !si.opens(&copied, l.id) {
			t.Error("the cookie ends before its time")
		}
		time.Sleep(time.Millisecond)
		if si.opens(&copied, l.id) {
			t.Error("a copy of the cookie is good for longer")
		}
	})
}

// Only copies of a bound session's cookie are told as overdue, and no guess.
func TestOverdueIsNoGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, bindingOptions())
		l, asked := si.bound("key"), si.logIn("")
		guess := &browser{l.cookie[:len(l.cookie)-40] + strings.Repeat("A", 40)}
		old := asked.browser
		for range 2 {
			si.visit(&asked.browser, renewed)
		}
		time.Sleep(2 * window)
		si.kinds()
		for name, b := range map[string]*browser{"a guess": guess, "a session that is not bound": &old} {
			si.visit(b, look)
			if got := si.kinds(); !slices.Contains(got, session.EventMissed) {
				t.Errorf("%s: events %v", name, got)
			}
		}
	})
}

// Law 17: no manager of another cookie refreshes a session. Law 20: an outage is told.
func TestRefreshElsewhere(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	for name, change := range map[string]func(*session.Options){
		"another cookie": func(o *session.Options) { o.Cookie.Name = "__Host-other" },
		"another realm":  func(o *session.Options) { o.Realm = "other" },
	} {
		opts := bindingOptions()
		change(opts)
		other := newSiteOn(t, si.store, opts)
		elsewhere := *l
		elsewhere.cookie = ""
		if a, err := other.refresh(&elsewhere); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	bare := *l
	bare.cookie = ""
	si.kinds()
	si.store.down()
	if _, err := si.refresh(&bare); !errors.Is(err, session.ErrUnavailable) || !si.saw(session.EventError) {
		t.Errorf("got %v, or no event", err)
	}
}

// A client that leaves while its session is loaded is no failure of the store.
func TestRefreshLeft(t *testing.T) {
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	ctx, cancel := context.WithCancel(t.Context())
	x := new(session.Exchange)
	x.Begin(ctx, si, nil)
	si.store.once("load", cancel)
	if a, err := session.RefreshDevice(x, si, l.id, "", nil); session.HTTPStatus(err) != 499 {
		t.Errorf("got %+v, %v, want that the client left", a, err)
	}
	if got := si.kinds(); len(got) != 0 {
		t.Errorf("events %v", got)
	}
}

// Law 16: a refresh moves a bound session to the new name of the cookie, and, while a
// deploy lasts, back.
func TestRefreshOfFormerCookie(t *testing.T) {
	sid, coming := session.Cookie{Name: "sid"}, session.Cookie{Name: "__Host-coming"}
	renamed := func(now, other session.Cookie) *session.Options {
		opts := bindingOptions()
		now.Former = []session.Cookie{other}
		opts.Cookie = now
		return opts
	}
	for _, cookie := range []bool{true, false} {
		store := newTestStore()
		before := newSiteOn(t, store, renamed(sid, coming))
		after := newSiteOn(t, store, renamed(coming, sid))
		l := before.bound("key")
		for _, to := range []*site{after, before, after} {
			former := l.browser
			if !cookie {
				l.cookie = ""
			}
			if a, err := to.refresh(l); err != nil || !a.Done {
				t.Fatalf("with the cookie: %v: %+v, %v", cookie, a, err)
			}
			_, name, _ := session.DeviceCookie(to)
			if !strings.HasPrefix(l.cookie, name+"=") || !to.opens(&l.browser, l.id) || !to.opens(&former, l.id) {
				t.Errorf("with the cookie: %v: got %q under the name %q, or a cookie ends before its time", cookie, l.cookie, name)
			}
		}
	}
}

func TestDeviceOptions(t *testing.T) {
	for name, opts := range map[string]session.Options{
		"no path":             {Device: session.Device{Required: true}},
		"no slash":            {Device: session.Device{Path: "device"}},
		"another host":        {Device: session.Device{Path: "//host/device"}},
		"a quote":             {Device: session.Device{Path: `/a"b`}},
		"a line break":        {Device: session.Device{Path: "/a\nb"}},
		"a query":             {Device: session.Device{Path: "/a?b"}},
		"a short interval":    {Device: session.Device{Path: "/device", Interval: time.Second - 1}},
		"a negative interval": {Device: session.Device{Path: "/device", Interval: -time.Hour}},
		"a long interval":     {Device: session.Device{Path: "/device", Interval: 2 * time.Hour}, Lifetime: time.Hour, IdleTimeout: time.Hour},
		"a header":            {Device: session.Device{Path: "/device"}, Header: session.TokenHeader{Name: "X-Session", Response: "X-Session"}},
		"a cookie over http":  {Device: session.Device{Path: "/device"}, Cookie: session.Cookie{Insecure: true}},
	} {
		if _, err := session.New[cart](newTestStore(), &opts); err == nil || !strings.Contains(err.Error(), "Device") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The device proves itself before the first use of its cookie, by a request with the
// cookie from before the registration. The session stays bound, and the browser may
// have received either.
func TestRefreshByOlderCookie(t *testing.T) {
	for name, pause := range map[string]time.Duration{"at once": 0, "after the window": 2 * window} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si := newSite(t, bindingOptions())
				l := si.logIn("key")
				before := l.browser
				si.registers(l)
				received := l.browser
				l.browser = before
				time.Sleep(pause)
				if a, err := si.refresh(l); err != nil || !a.Done {
					t.Fatalf("refresh: %+v, %v", a, err)
				}
				if got := si.binding(l.id); got != session.Bound {
					t.Errorf("the session is %q", got)
				}
				if !si.opens(&received, l.id) {
					t.Error("the cookie of the registration ends before its time")
				}
			})
		})
	}
}
