package session_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 14: cookies are right or refused.
func TestCookiesAreRight(t *testing.T) {
	for _, test := range []struct {
		name   string
		cookie session.Cookie
		want   string // around the token
		remove string
	}{
		{
			"default",
			session.Cookie{},
			"__Host-session=* Path=/; HttpOnly; Secure; SameSite=Lax",
			"__Host-session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		},
		{
			"everything",
			session.Cookie{Path: "/app", Domain: "example.com", SameSite: http.SameSiteNoneMode, Partitioned: true, Persistent: true},
			"__Secure-session=* Path=/app; Domain=example.com; Max-Age=86400; HttpOnly; Secure; SameSite=None; Partitioned",
			"__Secure-session=; Path=/app; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned",
		},
		{
			"insecure",
			session.Cookie{Insecure: true, SameSite: http.SameSiteStrictMode},
			"session=* Path=/; HttpOnly; SameSite=Strict",
			"session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; SameSite=Strict",
		},
		{
			"own name",
			session.Cookie{Name: "sid"},
			"sid=* Path=/; HttpOnly; Secure; SameSite=Lax",
			"sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, &session.Options{Cookie: test.cookie}), &browser{}
				h := si.visit(b, incremented)
				got := strings.Replace(cookieOf(h), b.token()+";", "*", 1)
				if got != test.want || len(b.token()) != 64 {
					t.Errorf("set:\n got %s\nwant %s", got, test.want)
				}
				if h.CacheControl != "no-store" || h.Vary != "Cookie" {
					t.Errorf("Cache-Control %q, Vary %q", h.CacheControl, h.Vary)
				}
				h = si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
				if cookieOf(h) != test.remove {
					t.Errorf("remove:\n got %s\nwant %s", cookieOf(h), test.remove)
				}
			})
		})
	}

	t.Run("a persistent one lasts as long as the session can", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &session.Options{Lifetime: 2 * time.Hour, Cookie: session.Cookie{Persistent: true}}), &browser{}
			si.visit(b, incremented)
			time.Sleep(30*time.Minute + time.Millisecond)
			h := si.visit(b, func(s *session.Session[cart]) error { return s.Renew() })
			if want := "; Max-Age=5400;"; !strings.Contains(cookieOf(h), want) {
				t.Errorf("got %s, want %s", cookieOf(h), want)
			}
			h = si.visit(b, loggedIn)
			if want := "; Max-Age=7200;"; !strings.Contains(cookieOf(h), want) {
				t.Errorf("after a login got %s, want %s", cookieOf(h), want)
			}
		})
	})
}

func TestCookieOfAVeryLongSession(t *testing.T) {
	si, b := newSite(t, &session.Options{Lifetime: 10 * 365 * 24 * time.Hour, RenewEvery: 200 * 24 * time.Hour, Cookie: session.Cookie{Persistent: true}}), &browser{}
	if h := si.visit(b, incremented); !strings.Contains(cookieOf(h), "; Max-Age=34560000;") {
		t.Errorf("got %s", cookieOf(h))
	}
}

func TestCookiesAreRefused(t *testing.T) {
	for _, cookie := range []session.Cookie{
		{Name: "__Host-x", Domain: "example.com"},
		{Name: "__Host-x", Path: "/app"},
		{Name: "__host-x", Insecure: true},
		{Name: "__SECURE-x", Insecure: true},
		{Name: "__Http-x"},
		{Name: "__Host-Http-x"},
		{Name: "a b"},
		{Name: "a=b"},
		{Name: "ä"},
		{Name: strings.Repeat("n", 4096-64+1)},
		{Path: "/" + strings.Repeat("p", 1024)},
		{Path: "/app "},
		{Path: "/a b"},
		{Path: "/a?b"},
		{Path: `/a\b`},
		{Path: "/{id}"},
		{Path: "/a/../b"},
		{Path: "/%2E"},
		{Domain: "example.com."},
		{Path: "app"},
		{Path: "/a;b"},
		{Domain: "exa mple.com"},
		{Domain: "-"},
		{Partitioned: true, Insecure: true},
		{SameSite: http.SameSiteNoneMode, Insecure: true},
		{SameSite: 9},
		{SameSite: -1},
	} {
		t.Run(fmt.Sprintf("%+v", cookie), func(t *testing.T) {
			if m, err := session.New[cart](newTestStore(), &session.Options{Cookie: cookie}); err == nil || m != nil {
				t.Error("accepted")
			}
		})
	}
}
