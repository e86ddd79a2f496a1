package session_test

import (
	"errors"
	"net/http"
	"testing"

	session "github.com/gostateful/session/core"
)

// Law 14: a first Get after the header is refused, unless the header that was
// sent keeps shared caches away by itself.
func TestFirstGetAfterTheHeader(t *testing.T) {
	for name, test := range map[string]struct {
		header http.Header
		want   bool
	}{
		"unknown":                          {nil, false},
		"nothing":                          {http.Header{}, false},
		"public":                           {http.Header{"Cache-Control": {"public, max-age=60"}}, false},
		"no-cache":                         {http.Header{"Cache-Control": {"no-cache"}}, false}, // may be stored
		"Vary on something":                {http.Header{"Vary": {"Accept, Cookies"}}, false},
		"Vary: Cookie":                     {http.Header{"Vary": {"Accept", "Origin,\tcookie"}}, true},
		"Vary: *":                          {http.Header{"Vary": {"*"}}, true},
		"private":                          {http.Header{"Cache-Control": {"max-age=60", "Private"}}, true},
		"no-store":                         {http.Header{"Cache-Control": {"max-age=0, no-store"}}, true},
		"private, but not for nginx":       {http.Header{"Cache-Control": {"private"}, "X-Accel-Expires": {"60"}}, false},
		"private, but not for CDNs":        {http.Header{"Cache-Control": {"private"}, "Cdn-Cache-Control": {"max-age=60"}}, false},
		"no-store, but not for surrogates": {http.Header{"Cache-Control": {"no-store"}, "Surrogate-Control": {"max-age=60"}}, false},
		"Vary: Cookie, kept by nginx":      {http.Header{"Vary": {"Cookie"}, "X-Accel-Expires": {"60"}}, true},
		"private for a name":               {http.Header{"Cache-Control": {`private="set-cookie"`}}, false}, // RFC 9111, 5.2.2.7: that field alone
	} {
		t.Run(name, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			r := si.begin(b)
			if _, err := r.Commit(session.Response{Header: test.header}); err != nil {
				t.Fatal(err)
			}
			si.store.took()
			for range 2 {
				s, err := si.Get(r)
				if (err == nil) != test.want || err != nil && !errors.Is(err, session.ErrHeadersSent) {
					t.Fatalf("got %v and %v", s, err)
				}
			}
			if calls := si.store.took(); !test.want && len(calls) > 0 {
				t.Errorf("the store got %v", calls)
			}
		})
	}
}

// Law 14: what AddTo adds, and to what.
func TestHeaderAddTo(t *testing.T) {
	cookies := session.Header{SetCookie: []string{"a=1", "b=2"}, CacheControl: "no-store", Vary: "Cookie", RetryAfter: "1"}
	h := http.Header{"Set-Cookie": {"c=3"}, "Cache-Control": {"public"}, "Vary": {"Accept"}, "Retry-After": {"9"}, "X-Accel-Expires": {"60"}, "Cdn-Cache-Control": {"max-age=60"}}
	cookies.AddTo(h)
	for name, want := range map[string]string{
		"Set-Cookie": "c=3|a=1|b=2", "Cache-Control": "no-store", "Vary": "Accept|Cookie", "Retry-After": "9",
		"X-Accel-Expires": "0", "Cdn-Cache-Control": "no-store", "Surrogate-Control": "",
	} {
		if got := join(h[name]); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for _, lines := range [][]string{{"Cookie"}, {"cookie"}, {"Accept, cookie ,Origin"}, {"Accept", "Origin,\tCookie"}} {
		h := http.Header{"Vary": lines}
		if (&session.Header{Vary: "Cookie"}).AddTo(h); len(h["Vary"]) != len(lines) {
			t.Errorf("Vary %q became %q", lines, h["Vary"])
		}
	}
	for _, lines := range [][]string{nil, {""}, {"Accept-Cookie, Cookies"}, {"Set Cookie"}} {
		h := http.Header{"Vary": lines}
		if (&session.Header{Vary: "Cookie"}).AddTo(h); len(h["Vary"]) != len(lines)+1 {
			t.Errorf("Vary %q became %q", lines, h["Vary"])
		}
	}
	if none := (http.Header{}); len(none) != 0 {
		(&session.Header{}).AddTo(none)
		t.Errorf("got %v of nothing", none)
	}
}

func join(lines []string) (all string) {
	for i, line := range lines {
		if i > 0 {
			all += "|"
		}
		all += line
	}
	return all
}
