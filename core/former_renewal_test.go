package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// renamed returns a browser whose session came by a cookie that has another
// name now.
func underName(t *testing.T, opts session.Options) (*site, *browser) {
	old := newSite(t, &opts)
	b := &browser{}
	old.visit(b, incremented)
	opts.Cookie = session.Cookie{Name: "__Host-new", Former: []session.Cookie{{}}}
	return newSiteOn(t, old.store, &opts), b
}

// Laws 3 and 19: a former cookie is that of a straggler, or of a browser that lost
// a response, once a renewal has moved the session to the present one.
func TestFormerCookieAfterARenewal(t *testing.T) {
	t.Run("a straggler of a login", func(t *testing.T) {
		si, b := underName(t, session.Options{})
		late, other := si.begin(b), *b
		h := si.visit(&other, loggedIn)
		if len(h.SetCookie) != 2 {
			t.Fatalf("the login sets %q", h.SetCookie)
		}
		if err := late.get().Update(increment); !errors.Is(err, session.ErrSuperseded) {
			t.Errorf("got %v, want ErrSuperseded", err)
		}
		if h, err := late.Commit(session.Response{}); err != nil || cookieOf(h) != "" {
			t.Errorf("the straggler's response sets %q (%v)", cookieOf(h), err)
		}
	})
	t.Run("a renewal whose response was lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := underName(t, session.Options{RenewEvery: 10 * time.Minute})
			time.Sleep(11 * time.Minute)
			lost := *b
			si.visit(&lost, look)
			if got := si.data(b); got.N != 1 {
				t.Errorf("the former cookie shows %+v, want the session", got)
			}
		})
	})
	t.Run("the present secret opens by its own cookie alone", func(t *testing.T) {
		si, b := underName(t, session.Options{})
		h := si.visit(b, func(s *session.Session[cart]) error { return s.Renew() })
		b.receive(t, h)
		if si.data(b).N != 1 {
			t.Error("the present cookie does not open its session")
		}
		planted := &browser{cookie: "__Host-session=" + b.token()}
		if si.data(planted).N != 0 {
			t.Error("a former cookie opens a session that moved to the present one")
		}
	})
}
