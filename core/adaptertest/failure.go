package adaptertest

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func failureLaws() []law {
	return []law{
		{"LoadFails", loadFails},
		{"CommitFails", commitFails},
		{"CommitOfChangeFails", commitOfChangeFails},
		{"CommitHangs", commitHangs},
		{"FailureHidesResponse", failureHidesResponse},
		{"FailureKeepsOuterHeader", failureKeepsOuterHeader},
		{"FailureIsNotCached", failureIsNotCached},
	}
}

// loadFails: a store that is down is an error, never an anonymous session.
func loadFails(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/again": func(si *site, r Request) {
		_, first := si.Get(r.Context)
		_, err := si.Get(r.Context)
		if !errors.Is(first, session.ErrUnavailable) || !errors.Is(err, session.ErrUnavailable) {
			si.t.Errorf("Get over a store that is down: got the errors %v and %v, want ErrUnavailable twice", first, err)
		}
		r.Respond(session.HTTPStatus(err), "")
	}})
	v := si.known()
	token := v.token()
	si.store.fail(down, everyMethod...)
	for _, target := range []string{"/again", "/read", "/count", "/login"} {
		a := v.get(target)
		if a.err != nil || a.status != 503 {
			t.Errorf("%s: got %v, want status 503", target, a)
		}
		a.wantsNoCookie(t, "nothing is known about the visitor's session, so its cookie stays")
	}
	si.store.heal()
	if v.token() != token || si.store.Len() != 1 {
		t.Error("the store was down for a while, and the visitor lost the session")
	}
	v.get("/read").wants(t, 200, "1")
}

// broken is a route that changes the session, loses the store, and then begins
// the response in the way that the query names.
func broken(si *site, r Request) {
	if si.incremented(r) == nil {
		return
	}
	si.store.fail(down, everyMethod...)
	r.respond(r.query(), "hello")
}

// wantsFailure checks the response to a failed commit.
func (a answer) wantsFailure(t *testing.T, name string) {
	t.Helper()
	if a.err != nil || a.status != 503 {
		t.Errorf("got %v, want status 503: the session could not be written, and that is no success", a)
	}
	if strings.Contains(a.body, "hello") {
		t.Errorf("got the body %q, which has the handler's response: it tells of a success", a.body)
	}
	if lines := a.cookies(name); len(lines) > 0 {
		t.Errorf("got Set-Cookie %q, want none: the session that it is for could not be written", lines)
	}
}

func commitFails(t *testing.T, on setup) {
	for _, way := range append(featuresOf(t, on).ways, "Implicit") {
		t.Run(way, func(t *testing.T) {
			si := open(t, on, nil, routes{"/way": broken})
			si.raw("/way?"+url.QueryEscape(way)).wantsFailure(t, cookieName)
			if si.store.Len() != 0 {
				t.Error("the store has a session that it refused")
			}
			si.store.heal()
			si.raw("/count").wants(t, 200, "1")
		})
	}
}

// commitOfChangeFails: the same holds for a stored session. The session and its
// cookie stay as they were.
func commitOfChangeFails(t *testing.T, on setup) {
	for _, way := range append(featuresOf(t, on).ways, "Implicit") {
		t.Run(way, func(t *testing.T) {
			si := open(t, on, nil, routes{"/way": broken})
			v := si.known()
			v.get("/way?"+url.QueryEscape(way)).wantsFailure(t, cookieName)
			si.store.heal()
			v.get("/read").wants(t, 200, "1")
		})
	}
}

func commitHangs(t *testing.T, on setup) {
	opts := &session.Options{StoreTimeout: 100 * time.Millisecond}
	si := open(t, on, opts, routes{"/way": func(si *site, r Request) {
		if si.incremented(r) == nil {
			return
		}
		si.store.fail(hangs, everyMethod...)
		r.Respond(200, "hello")
	}})
	si.raw("/way").wantsFailure(t, cookieName)
}

// ofResponse are headers that the handler was about to send. Each of them shows
// a success.
var ofResponse = map[string]string{
	"Allow":               "GET",
	"Authorization":       "Bearer hello",
	"Cache-Control":       "public, max-age=3600",
	"Content-Disposition": `attachment; filename="hello"`,
	"Content-Encoding":    "br",
	"Content-Language":    "eo",
	"Content-Location":    "/hello",
	"Content-Type":        "application/hello",
	"Etag":                `"hello"`,
	"Expires":             "Fri, 01 Jan 2100 00:00:00 GMT",
	"Hx-Redirect":         "/welcome",
	"Last-Modified":       "Sat, 01 Jan 2000 00:00:00 GMT",
	"Location":            "/welcome",
	"Set-Cookie":          "theme=dark",
	"Www-Authenticate":    "Hello",
	"X-Anything":          "hello",
}

// failed returns the answer of a route that responds with many headers and a
// status after the store was lost.
func failed(t *testing.T, on setup, status int) answer {
	t.Helper()
	si := open(t, on, nil, routes{"/failed": func(si *site, r Request) {
		if si.incremented(r) == nil {
			return
		}
		si.store.fail(down, everyMethod...)
		for name, value := range ofResponse {
			r.Header(name, value)
		}
		r.Respond(status, "hello")
	}})
	return si.raw("/failed")
}

func failureHidesResponse(t *testing.T, on setup) {
	for _, status := range []int{200, 201, 303, 404} {
		a := failed(t, on, status)
		a.wantsFailure(t, cookieName)
		for name, value := range ofResponse {
			if got := a.header[name]; len(got) > 0 && got[0] == value {
				t.Errorf("status %d became an error response with the handler's %s: %s, which belongs to the response that was not sent", status, name, value)
			}
		}
		if got := a.header["Set-Cookie"]; len(got) > 0 {
			t.Errorf("status %d became an error response with Set-Cookie %q: cookies of the handler tell of a success", status, got)
		}
	}
}

// failureKeepsOuterHeader: headers that an outer middleware set before the
// handler, such as who may read the response, are in the error response too.
func failureKeepsOuterHeader(t *testing.T, on setup) {
	outer := map[string]string{"Access-Control-Allow-Origin": "https://shop.example", "X-Frame-Options": "DENY"}
	site := func(managed bool) *site {
		si := newSite(t, on, nil, routes{
			"/plain": func(_ *site, r Request) { r.Respond(200, "hello") },
			"/failed": func(si *site, r Request) {
				if si.incremented(r) != nil {
					si.store.fail(down, everyMethod...)
					r.Header("X-Frame-Options", "SAMEORIGIN")
					r.Respond(200, "hello")
				}
			},
		})
		si.header = outer
		if managed {
			si.serve(on.start, asItIs, si.Manager)
		} else {
			si.serve(on.start, asItIs)
		}
		return si
	}
	wants := func(of string, a answer) {
		for name, value := range outer {
			if got := a.header[name]; !slices.Equal(got, []string{value}) {
				t.Errorf("%s has %s %q, want %q: a middleware around set it before the handler", of, name, got, value)
			}
		}
	}
	wants("a response of the server without the adapter, where Start is to set Server.Header,", site(false).raw("/plain"))
	si := site(true)
	wants("a response", si.raw("/plain"))
	a := si.raw("/failed")
	a.wantsFailure(t, cookieName)
	wants("the error response", a)
}

func failureIsNotCached(t *testing.T, on setup) {
	if got := failed(t, on, 200).header["Cache-Control"]; len(got) != 1 || got[0] != "no-store" {
		t.Errorf("the error response has Cache-Control %q, want no-store: a failure must not outlive itself in a cache", got)
	}
}
