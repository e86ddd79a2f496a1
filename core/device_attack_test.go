package session_test

import (
	"bytes"
	"fmt"
	"log/slog"
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
		if a, err := si.register(l); err != nil || !a.Done {
			t.Fatalf("register: %+v, %v", a, err)
		}
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
		if a, err := si.register(l); err != nil || !a.Done {
			t.Fatalf("register: %+v, %v", a, err)
		}
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
		if a, err := si.register(l); err != nil || !a.Done {
			t.Fatalf("register: %+v, %v", a, err)
		}
		si.kinds()
		time.Sleep(window)
		si.visit(&before, look)
		if !si.saw(session.EventReused) || si.binding(l.id) == session.Bound {
			t.Error("a registration is undone and nothing tells of it, or it is not undone, and this test shows nothing")
		}
	})
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
		for _, kind := range []session.EventKind{session.EventBound, session.EventRefreshed, session.EventOverdue} {
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
