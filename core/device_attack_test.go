package session_test

import (
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
