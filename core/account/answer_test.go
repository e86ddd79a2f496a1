package account_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gostateful/session/core/account"
)

// TestGuardedPageIsNotStored: no cache keeps a page that needs a login, not even the
// browser's, unless the handler says so.
func TestGuardedPageIsNotStored(t *testing.T) {
	si := newSite(t, nil)
	for path, control := range map[string]string{"/orders": "", "/logo": "private, max-age=60"} {
		guarded := account.RequireLogin(si.Manager, account.Guard{})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if control != "" {
				w.Header().Set("Cache-Control", control)
			}
		}))
		si.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public") // as an outer middleware does
			guarded.ServeHTTP(w, r)
		})
	}
	ann := si.login("ann", "Firefox")
	for path, want := range map[string]string{"/orders": "no-store", "/logo": "private, max-age=60"} {
		got := ann.do("GET", path)
		if cache := got.Values("Cache-Control"); got.status != 200 || !slices.Equal(cache, []string{want}) {
			t.Errorf("%s: got status %d, Cache-Control %q, want 200, %q", path, got.status, cache, want)
		}
	}
}

// TestProblem: programs that ask for JSON get a problem of RFC 9457. Browsers
// and all others do not.
func TestProblem(t *testing.T) {
	si := newDevices(t, account.Guard{})
	si.guard("/orders", account.Guard{LoginURL: "/login"})
	for name, test := range map[string]struct {
		headers []string
		problem bool
	}{
		"JSON":        {[]string{"Accept", "application/json"}, true},
		"Problem":     {[]string{"Accept", "Application/Problem+JSON"}, true},
		"Fetch":       {[]string{"Accept", "application/json, text/plain, */*", "Sec-Fetch-Mode", "cors"}, true},
		"FetchOfBoth": {[]string{"Accept", "text/html, application/json", "Sec-Fetch-Mode", "cors"}, true},
		"TwoLines":    {[]string{"Accept", "text/plain", "Accept", "application/json;q=0.5"}, true},
		"NoJSON":      {[]string{"Accept", "application/json;q=0, */*"}, false},
		"Curl":        {[]string{"Accept", "*/*"}, false},
		"NoHeaders":   {nil, false},
		"Navigation":  {[]string{"Accept", "application/json", "Sec-Fetch-Mode", "navigate"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for path, method := range map[string]string{"/orders": "POST", "/devices/others": "DELETE"} {
				got := (&visitor{site: si}).do(method, path, test.headers...)
				got.wantsProblem(t, 401, test.problem)
				if got.Get("WWW-Authenticate") != "Cookie" || got.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s: got the headers %v, want a challenge and nosniff", path, got.Header)
				}
			}
		})
	}
	ann := si.login("ann", "Firefox")
	si.failing = "all"
	got := ann.do("GET", "/orders", "Accept", "application/json")
	got.wantsProblem(t, 503, true)
	if got.Get("Retry-After") != "1" || strings.Contains(got.body, "redis") {
		t.Errorf("an outage: got Retry-After %q, body %q, want 1 and no word of the store", got.Get("Retry-After"), got.body)
	}
}

// wantsProblem checks status and body, which is a problem or a text.
func (a answer) wantsProblem(t *testing.T, status int, problem bool) {
	t.Helper()
	if !problem {
		if a.status != status || a.body != http.StatusText(status)+"\n" || a.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("got status %d, body %q of type %q, want %d and its text", a.status, a.body, a.Get("Content-Type"), status)
		}
		return
	}
	var got, want map[string]any
	want = map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": float64(status)}
	err := json.Unmarshal([]byte(a.body), &got)
	if err != nil || a.status != status || len(got) != len(want) || a.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got status %d, body %q of type %q: %v; want the problem %v", a.status, a.body, a.Get("Content-Type"), err, want)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("the problem has the %s %v, want %v", name, got[name], value)
		}
	}
}

// TestStraggler: a request that has lost its session to a login is not a
// visitor's. It may come again, and is told when.
func TestStraggler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newDevices(t, account.Guard{})
		si.guard("/orders", account.Guard{LoginURL: "/login"})
		si.guard("/poll", account.Guard{LoginURL: "/login", Peek: true})
		ann := si.login("ann", "Firefox")
		old := *ann
		ann.again("ann", "Firefox")
		for path, method := range map[string]string{"/orders": "GET", "/poll": "GET", "/devices/": "GET", "/devices/all": "DELETE"} {
			for _, headers := range [][]string{page, nil} {
				got := old.do(method, path, headers...)
				after, _ := strconv.Atoi(got.Get("Retry-After"))
				if got.status != 409 || got.Get("Location") != "" || got.Get("WWW-Authenticate") != "" || len(got.Values("Retry-After")) != 1 || after != 60 {
					t.Errorf("%s: got status %d and the headers %v, want 409 with Retry-After: 60, and no word of a login", path, got.status, got.Header)
				}
			}
		}
		if !ann.in() {
			t.Error("a straggler has ended the newer session")
		}
		time.Sleep(time.Minute)
		for _, path := range []string{"/orders", "/poll"} {
			if got := old.do("GET", path); got.status != 401 {
				t.Errorf("%s, after the window: got status %d, want 401, as for a visitor", path, got.status)
			}
		}
	})
}

// TestGuardPeek: a poll through a guard with Peek keeps no session alive. A Get
// in the handler does.
func TestGuardPeek(t *testing.T) {
	for path, alive := range map[string]bool{"/poll": false, "/poll/get": true, "/devices": true} {
		synctest.Test(t, func(t *testing.T) {
			si := newSite(t, nil)
			peek := account.RequireLogin(si.Manager, account.Guard{Peek: true, Within: 24 * time.Hour})
			si.Handle("/poll", peek(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if info, err := si.Peek(r.Context()); err != nil || info.Subject != "ann" {
					t.Errorf("the handler sees %+v, %v, want ann's session", info, err)
				}
			})))
			si.Handle("/poll/get", peek(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { si.session(r) })))
			si.Handle("/devices", mount("/devices", account.Devices(si.Manager, account.Guard{Peek: true}, nil)))
			ann := si.login("ann", "Firefox")
			got := 0
			for range 60 {
				time.Sleep(time.Minute)
				got = ann.do("GET", path).status
			}
			want := 401
			if alive {
				want = 200
			}
			if got != want {
				t.Errorf("%s: a poll a minute got status %d after IdleTimeout, an hour, want %d", path, got, want)
			}
			if got := (&visitor{site: si}).do("GET", path).status; got != 401 {
				t.Errorf("%s: a visitor got status %d, want 401", path, got)
			}
		})
	}
}
