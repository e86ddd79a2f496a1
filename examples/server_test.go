package main

import (
	"io"
	"net/url"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

func TestAnswers(t *testing.T) {
	each(t, func(t *testing.T, _ *site, c *client) {
		for _, test := range []struct {
			method, path, form string
			site               string // Sec-Fetch-Site, as browsers send it
			want               int
		}{
			{"GET", "/", "", "none", 200},
			{"HEAD", "/", "", "none", 200},
			{"HEAD", "/live", "", "same-origin", 200},
			{"GET", "/style.css", "", "same-origin", 200},
			{"GET", "/account", "", "none", 303},
			{"POST", "/cart/add", "goods=Tea&amount=1", "same-origin", 303},
			{"POST", "/logout", "", "same-origin", 303},
			{"POST", "/cart/add", "goods=", "same-origin", 400},
			{"POST", "/cart/add", "%", "same-origin", 400},
			{"POST", "/proofs", "proof=none", "same-origin", 400},
			{"POST", "/cart/add", "goods=Tea&amount=1", "cross-site", 403},
			{"GET", "/cart", "", "none", 404},
			{"GET", "/account/", "", "none", 404},
			{"GET", "/cart/add", "", "none", 405},
			{"DELETE", "/account", "", "same-origin", 405},
		} {
			resp := c.send(test.method, test.path, test.form, "Sec-Fetch-Site", test.site)
			text := c.read(resp)
			if resp.StatusCode != test.want {
				t.Errorf("%s %s %s from %s: got status %d, want %d:\n%s", test.method, test.path, test.form, test.site, resp.StatusCode, test.want, text)
			}
			if got := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none';") {
				t.Errorf("%s %s: got the policy %q", test.method, test.path, got)
			}
			if got := resp.Header.Get("Allow"); (got != "") != (test.want == 405) {
				t.Errorf("%s %s: got Allow %q with %d", test.method, test.path, got, resp.StatusCode)
			}
			if test.want >= 400 && !strings.Contains(text, "Back to the shop") {
				t.Errorf("%s %s: got %q, want a page of the site", test.method, test.path, text)
			}
		}
	})
}

// TestSignsInAfterAFailedRefresh: a browser that could not refresh the cookie of its
// device comes without it. It can sign in again, and nothing else.
func TestSignsInAfterAFailedRefresh(t *testing.T) {
	s := newTestSiteWith(t, func(seen *events) *session.Options {
		opts := newOptions(seen)
		opts.Device = session.Device{Path: devicePath}
		return opts
	})
	serveTest(t, "nethttp", s, func() {})
	c := newClient(t, s)
	skipped := []string{"Secure-Session-Skipped", `unreachable;session_identifier="__Host-session.name"`}
	for _, test := range []struct {
		method, path, form string
		want               int
	}{
		{"GET", "/", "", 503},
		{"POST", "/cart/add", "goods=Tea&amount=1", 503},
		{"GET", "/login", "", 200},
		{"POST", "/login", "name=ann&password=wrong", 403},
		{"POST", "/login", "name=ann&password=green-tea", 303},
	} {
		resp := c.send(test.method, test.path, test.form, skipped...)
		if text := c.read(resp); resp.StatusCode != test.want {
			t.Errorf("%s %s: got status %d, want %d:\n%s", test.method, test.path, resp.StatusCode, test.want, text)
		}
	}
}

// TestLive: a page is told of what another tab adds, and of the end of its session.
func TestLive(t *testing.T) {
	each(t, func(t *testing.T, s *site, c *client) {
		c.send("POST", "/login", "name=ann&password=green-tea").Body.Close()
		next := c.events()
		if got := next(); !strings.Contains(got, "It is empty.") {
			t.Errorf("at first: got %q, want an empty cart", got)
		}
		c.send("POST", "/cart/add", "goods=Tea&amount=2").Body.Close()
		for got := next(); !strings.Contains(got, "2 × Tea"); got = next() {
		}
		if n, err := s.sessions.RevokeAll(t.Context(), "ann"); n != 1 || err != nil {
			t.Fatalf("got %d and %v, want one session ended", n, err)
		}
		for got := next(); !strings.HasPrefix(got, "event: end\n"); got = next() {
		}
	})
}

// TestLiveWithoutSession: who has no session is told so at once, and not forever.
func TestLiveWithoutSession(t *testing.T) {
	each(t, func(t *testing.T, _ *site, c *client) {
		if got := c.read(c.send("GET", "/live", "")); got != "event: end\ndata: \n\n" {
			t.Errorf("got %q, want the end", got)
		}
	})
}

// TestLiveUntilShutdown: a stream does not keep the server from ending.
func TestLiveUntilShutdown(t *testing.T) {
	each(t, func(t *testing.T, _ *site, c *client) {
		c.send("POST", "/cart/add", "goods=Tea&amount=2").Body.Close()
		open := c.send("GET", "/live", "").Body // is not closed before the server ends
		if _, err := io.ReadFull(open, make([]byte, len("event: state"))); err != nil {
			t.Error(err)
		}
	})
}

func TestProofs(t *testing.T) {
	each(t, func(t *testing.T, s *site, c *client) {
		for _, p := range proofs {
			text := c.read(c.send("POST", "/proofs", url.Values{"proof": {p.Name}}.Encode()))
			if !strings.Contains(text, `<p class="good">`) || !strings.Contains(text, "loaded: ") {
				t.Errorf("%s: got no good result with its events:\n%s", p.Name, text)
			}
		}
		if list, err := s.sessions.List(t.Context(), "robot"); len(list) != 0 || err != nil {
			t.Errorf("got %v and %v, want no session left behind", list, err)
		}
	})
}

// TestStoreStops: while the store is stopped, pages are 503 and say when to come
// again. Then all is as it was.
func TestStoreStops(t *testing.T) {
	each(t, func(t *testing.T, _ *site, c *client) {
		c.send("POST", "/cart/add", "goods=Tea&amount=2").Body.Close()
		c.send("POST", "/proofs/stop", "").Body.Close()
		for _, path := range []string{"/", "/account", "/proofs", "/live"} {
			resp := c.send("GET", path, "")
			if resp.StatusCode != 503 {
				t.Fatalf("%s: got status %d, want 503", path, resp.StatusCode)
			}
			text := c.read(resp)
			if resp.Header.Get("Retry-After") != "1" || !strings.Contains(text, "Start the store") {
				t.Errorf("%s: got the header %v, want Retry-After, and a page that starts the store:\n%s", path, resp.Header, text)
			}
		}
		text := c.read(c.send("POST", "/proofs/start", ""))
		for _, want := range []string{"nothing is lost", "error: the store failed", "The store refused 4 calls."} {
			if !strings.Contains(text, want) {
				t.Errorf("after the start: the page lacks %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "created: ") {
			t.Errorf("after the start: the page has events from before the stop:\n%s", text)
		}
		if text := c.read(c.send("GET", "/", "")); !strings.Contains(text, "2 × Tea") {
			t.Errorf("after the start: the cart is not as it was:\n%s", text)
		}
	})
}
