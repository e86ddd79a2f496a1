package session_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

// Law 16: a cookie that is renamed, or moves to another Domain or Path, logs
// nobody out.
func TestFormerCookie(t *testing.T) {
	for name, test := range map[string]struct {
		was, is session.Cookie
		removal string
	}{
		"renamed": {session.Cookie{Name: "sid"}, session.Cookie{}, "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"moved to another path": {
			session.Cookie{Name: "sid", Path: "/shop"},
			session.Cookie{Name: "sid"},
			"sid=; Path=/shop; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		},
		"moved to a partition": { // which some browsers do not know: the present cookie must be the last
			session.Cookie{},
			session.Cookie{Partitioned: true},
			"__Host-session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		},
		"moved to a domain": {
			session.Cookie{},
			session.Cookie{Domain: "example.com"},
			"__Host-session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := newTestStore()
			before := newSiteOn(t, store, &session.Options{Cookie: test.was})
			test.is.Former = []session.Cookie{test.was}
			after := newSiteOn(t, store, &session.Options{Cookie: test.is})
			b := &browser{}
			before.visit(b, incremented)
			old := *b
			if h := after.visit(b, incremented); len(h.SetCookie) != 0 || after.data(b).N != 2 {
				t.Fatalf("got %q and %+v, want the session as it is", h.SetCookie, after.data(b))
			}
			h := after.visit(b, loggedIn)
			if len(h.SetCookie) != 2 || h.SetCookie[0] != test.removal || !strings.Contains(h.SetCookie[1], "Secure") {
				t.Fatalf("a login sets %q, want the former cookie removed, and then the present one:\n%s", h.SetCookie, test.removal)
			}
			present, _, _ := strings.Cut(h.SetCookie[1], ";")
			// The browser may send both, in any order.
			for _, lines := range [][]string{{old.cookie + "; " + present}, {present, old.cookie}} {
				x := new(session.Exchange)
				x.Begin(t.Context(), after, lines)
				if s, err := after.Get(x); err != nil || s.Subject() != "alice" || s.Data().N != 2 {
					t.Errorf("cookies %q: %v", lines, err)
				}
			}
			b.cookie = present
			if h := after.visit(b, func(s *session.Session[cart]) error { return s.Destroy() }); len(h.SetCookie) != 2 || !slices.Contains(h.SetCookie, test.removal) {
				t.Errorf("a logout sets %q, want both removed", h.SetCookie)
			}
		})
	}

	t.Run("the present one wins", func(t *testing.T) {
		store := newTestStore()
		old := newSiteOn(t, store, &session.Options{Cookie: session.Cookie{Name: "sid"}})
		si := newSiteOn(t, store, &session.Options{Cookie: session.Cookie{Former: []session.Cookie{{Name: "sid"}}}})
		a, b := &browser{}, &browser{}
		old.visit(a, func(s *session.Session[cart]) error { return s.Login("planted", nil) })
		si.visit(b, loggedIn)
		both := &browser{cookie: a.cookie + "; " + b.cookie}
		si.visit(both, func(s *session.Session[cart]) error {
			if s.Subject() != "alice" {
				t.Errorf("got %q", s.Subject())
			}
			return nil
		})
	})

	t.Run("mistakes", func(t *testing.T) {
		for name, cookie := range map[string]session.Cookie{
			"the present one":        {Former: []session.Cookie{{}}},
			"former ones of its own": {Former: []session.Cookie{{Name: "a", Former: []session.Cookie{{Name: "b"}}}}},
			"impossible":             {Former: []session.Cookie{{Name: "__Host-a", Path: "/x"}}},
		} {
			if _, err := session.New[cart](newTestStore(), &session.Options{Cookie: cookie}); err == nil {
				t.Errorf("%s: New accepts it", name)
			}
		}
	})
}

// Only what opened nothing is reported: an old cookie beside a new one is no
// sign of a theft.
func TestOldCookieBesideNew(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	old := *b
	si.visit(b, loggedIn)
	si.kinds()
	for _, cookies := range []string{old.cookie + "; " + b.cookie, b.cookie + "; " + old.cookie} {
		si.visit(&browser{cookie: cookies}, look)
		if got := si.kinds(); !slices.Equal(got, []session.EventKind{session.EventLoaded}) {
			t.Errorf("got the events %v, want loaded alone", got)
		}
	}
}

// Law 3: while servers with either name are at work, a straggler is recognised by
// those that still have the former one.
func TestFormerCookieInADeploy(t *testing.T) {
	const coming = "__Host-coming"
	store := newTestStore()
	before := newSiteOn(t, store, &session.Options{Cookie: session.Cookie{Former: []session.Cookie{{Name: coming}}}})
	after := newSiteOn(t, store, &session.Options{Cookie: session.Cookie{Name: coming, Former: []session.Cookie{{}}}})
	b := &browser{}
	before.visit(b, incremented)
	late, other := before.begin(b), *b
	after.visit(&other, loggedIn)
	if err := late.get().Update(increment); !errors.Is(err, session.ErrSuperseded) {
		t.Errorf("got %v, want ErrSuperseded", err)
	}
}
