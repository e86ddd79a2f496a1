package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// newTestSite returns a site in memory.
func newTestSite(t *testing.T) *site {
	t.Helper()
	return newTestSiteWith(t, newOptions)
}

func newTestSiteWith(t *testing.T, options func(*events) *session.Options) *site {
	t.Helper()
	seen := &events{}
	s, err := newSite(t.Context(), &backend{store: memory.New(nil)}, options(seen), seen, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.about = "memory, nethttp"
	return s
}

// given returns a context with a session, without a server, a cookie or a login.
func (s *site) given(t *testing.T, info session.Info[visitor]) (context.Context, *visit) {
	t.Helper()
	ctx := s.sessions.NewContext(t.Context(), info)
	v, err := s.sessions.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, v
}

// ask asks for a page, or submits a form, by the route's handler and guard.
func (s *site) ask(t *testing.T, ctx context.Context, method, target string, form ...string) answer {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	values := u.Query()
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	r := &request{method: method, host: "localhost", target: target, header: http.Header{}.Get, field: values.Get}
	for _, rt := range s.routes() {
		if rt.method == method && rt.path == u.Path {
			return s.serve(ctx, rt, r)
		}
	}
	return s.missing(r)
}

func TestPages(t *testing.T) {
	s := newTestSite(t)
	cart := []line{{"<Tea>", 2}}
	for _, test := range []struct {
		target, subject string
		code            int
		want            []string
	}{
		{"/", "", 200, []string{"Sessions that lose nothing", "2 × &lt;Tea&gt;", "Sign in", "<b>", "29 min 59 s", "7 h 59 min"}},
		{"/", "ann", 200, []string{"Sign out"}},
		{"/login?next=/account", "", 200, []string{"green-tea", "Keep me signed in", `value="/account"`}},
		{"/login?next=//evil.example", "", 200, []string{`name="next" value="/"`}},
		{"/account", "ann", 200, []string{"Your devices", "Firefox on Linux", "This device"}},
		{"/account/password", "ann", 200, []string{"New password"}},
		{"/admin?user=ann", "admin", 200, []string{"Live sessions: ", "Sessions of ann", "End all of ann"}},
		{"/admin", "ann", 403, []string{"for the administrator"}},
		{"/proofs", "", 200, []string{"Send 50 requests", "Stop the store"}},
		{"/nothing", "", 404, []string{"There is no such page."}},
		{"/cart/add", "", 405, []string{"cannot be used in that way"}},
	} {
		ctx, _ := s.given(t, session.Info[visitor]{Subject: test.subject, Data: visitor{Cart: cart, Device: "Firefox on Linux", Note: "<b>"}})
		a := s.ask(t, ctx, "GET", test.target)
		if a.status != test.code {
			t.Errorf("%s of %q: got status %d, want %d", test.target, test.subject, a.status, test.code)
		}
		for _, want := range test.want {
			if want == "<b>" {
				want = "&lt;b&gt;" // the note, once
			}
			if !strings.Contains(string(a.body), want) {
				t.Errorf("%s of %q lacks %s:\n%s", test.target, test.subject, want, a.body)
			}
		}
	}
}

// TestNoteOnce: the note of a page is shown by the next page, and not again.
func TestNoteOnce(t *testing.T) {
	s := newTestSite(t)
	ctx, _ := s.given(t, session.Info[visitor]{Data: visitor{Note: "Hello there."}})
	for i, want := range []bool{true, false} {
		if got := strings.Contains(string(s.ask(t, ctx, "GET", "/").body), "Hello there."); got != want {
			t.Errorf("page %d: the note is there: %t, want %t", i+1, got, want)
		}
	}
}

// TestGuards: a page sends who has to log in to the login page, and a form sends
// them there for the page that it is on.
func TestGuards(t *testing.T) {
	s := newTestSite(t)
	for _, test := range []struct {
		method, target, subject string
		age                     time.Duration // of the login
		want                    string
	}{
		{"GET", "/account", "", 0, "/login?next=%2Faccount"},
		{"GET", "/admin?user=ann", "", 0, "/login?next=%2Fadmin%3Fuser%3Dann"},
		{"POST", "/account/others", "", 0, "/login?next=%2Faccount"},
		{"GET", "/account/password", "ann", 2 * time.Minute, "/login?next=%2Faccount%2Fpassword"},
		{"POST", "/account/password", "ann", 2 * time.Minute, "/login?next=%2Faccount%2Fpassword"},
		{"GET", "/account", "ann", 2 * time.Minute, ""},
	} {
		ctx, _ := s.given(t, session.Info[visitor]{Subject: test.subject, AuthenticatedAt: time.Now().Add(-test.age)})
		a := s.ask(t, ctx, test.method, test.target)
		if got := a.header.Get("Location"); got != test.want {
			t.Errorf("%s %s of %q: got %d to %q, want to %q", test.method, test.target, test.subject, a.status, got, test.want)
		}
	}
}

// TestErrorStoresNothing: what a handler changed before it failed is not stored with
// the error page.
func TestErrorStoresNothing(t *testing.T) {
	s := newTestSite(t)
	ctx, v := s.given(t, session.Info[visitor]{})
	_, err := s.with(func(_ context.Context, v *visit, _ *request) (answer, error) {
		return answer{}, errors.Join(v.Login("ann", nil), tell(v, "Hello."), problem{http.StatusBadRequest, "No."})
	})(ctx, &request{})
	if code, text := describe(err); code != 400 || text != "No." {
		t.Errorf("got %d %q, want the problem", code, text)
	}
	if v.Subject() != "" || v.Data().Note != "" {
		t.Errorf("got the subject %q and the note %q, want neither", v.Subject(), v.Data().Note)
	}
}

// TestErrorPages: no text of the library is on a page, and the header says when to
// come again.
func TestErrorPages(t *testing.T) {
	s := newTestSite(t)
	r := &request{method: "GET", target: "/"}
	for _, test := range []struct {
		err   error
		code  int
		retry string
	}{
		{problem{http.StatusBadRequest, "That will not do."}, 400, ""},
		{session.ErrConflict, 409, "1"},
		{session.ErrSuperseded, 409, ""}, // the adapter says when,
		{session.ErrUnavailable, 503, "1"},
		{session.ErrUndecodable, 500, ""},
		{errors.New("session: a secret of the server"), 500, ""},
	} {
		a := s.fail(r, test.err)
		if a.status != test.code || a.header.Get("Retry-After") != test.retry {
			t.Errorf("%v: got %d and Retry-After %q, want %d and %q", test.err, a.status, a.header.Get("Retry-After"), test.code, test.retry)
		}
		if strings.Contains(string(a.body), "session:") {
			t.Errorf("%v: the page shows it:\n%s", test.err, a.body)
		}
	}
}

func TestDeviceOf(t *testing.T) {
	for userAgent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                        "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1":     "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                  "Chrome on Android",
		"curl/8.0": "curl on an unknown system",
		"":         "a browser on an unknown system",
	} {
		if got := deviceOf(userAgent); got != want {
			t.Errorf("%q: got %q, want %q", userAgent, got, want)
		}
	}
}
