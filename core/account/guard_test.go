package account_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// guard serves a page behind a guard.
func (si *site) guard(path string, g account.Guard) {
	si.Handle(path, account.RequireLogin(si.Manager, g)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("hello " + si.session(r).Subject()))
	})))
}

// TestRequireLogin: pages are sent to the login page, all other requests get
// 401 with a challenge, and users who are logged in pass.
func TestRequireLogin(t *testing.T) {
	si := newSite(t, nil)
	si.guard("/orders", account.Guard{LoginURL: "/login"})
	si.guard("/api", account.Guard{})

	for name, test := range map[string]struct {
		method, target string
		headers        []string
		location       string // of 303, else 401
	}{
		"Page":                   {"GET", "/orders?of=may", page, "/login?next=%2Forders%3Fof%3Dmay"},
		"HEAD":                   {"HEAD", "/orders", page, "/login?next=%2Forders"},
		"OldBrowser":             {"GET", "/orders", []string{"Accept", "text/html, */*;q=0.1"}, "/login?next=%2Forders"},
		"OldBrowserUpperCase":    {"GET", "/orders", []string{"Accept", "application/xml, TEXT/HTML;level=1"}, "/login?next=%2Forders"},
		"TwoLines":               {"GET", "/orders", []string{"Accept", "image/png", "Accept", "text/html"}, "/login?next=%2Forders"},
		"Script":                 {"GET", "/orders", []string{"Accept", "application/json"}, ""},
		"Curl":                   {"GET", "/orders", []string{"Accept", "*/*"}, ""},
		"NoHeaders":              {"GET", "/orders", nil, ""},
		"NoHTMLPlease":           {"GET", "/orders", []string{"Accept", "application/json, text/html;q=0.0"}, ""},
		"ScriptThatTakesHTML":    {"GET", "/orders", []string{"Accept", "text/html", "Sec-Fetch-Mode", "cors"}, ""},
		"NavigationThatTakesAny": {"GET", "/orders", []string{"Accept", "*/*", "Sec-Fetch-Mode", "navigate"}, "/login?next=%2Forders"},
		"Form":                   {"POST", "/orders", page, ""},
		"WithoutLoginURL":        {"GET", "/api", page, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := (&visitor{site: si}).do(test.method, test.target, test.headers...)
			status, challenge := 401, "Cookie"
			if test.location != "" {
				status, challenge = 303, ""
			}
			if got.status != status || got.Get("Location") != test.location || got.Get("WWW-Authenticate") != challenge {
				t.Errorf("got status %d, Location %q, challenge %q, want %d, %q, %q", got.status, got.Get("Location"), got.Get("WWW-Authenticate"), status, test.location, challenge)
			}
			if cache := got.Values("Cache-Control"); !slices.Equal(cache, []string{"no-store"}) {
				t.Errorf("got Cache-Control %q, want no-store: the answer is another one after the login", cache)
			}
			vary := strings.Join(got.Values("Vary"), ", ")
			if want := "Accept, Sec-Fetch-Mode, Cookie"; vary != want {
				t.Errorf("got Vary %q, want %q", vary, want)
			}
			if strings.Contains(got.body, "hello") {
				t.Errorf("the guarded handler ran, and wrote %q", got.body)
			}
			if cookie := got.Values("Set-Cookie"); len(cookie) > 0 {
				t.Errorf("the answer sets the cookies %q: who has no session gets none for being refused", cookie)
			}
		})
	}

	ann := si.login("ann", "Firefox")
	for _, path := range []string{"/orders", "/api"} {
		if got := ann.do("POST", path); got.status != 200 || got.body != "hello ann" {
			t.Errorf("%s: got status %d, body %q for who is logged in, want 200, hello ann", path, got.status, got.body)
		}
	}
	if len(si.store.Records) != 1 {
		t.Errorf("got %d sessions in the store, want ann's", len(si.store.Records))
	}
}

// TestVaryStays: the answer adds to the Vary of an outer middleware.
func TestVaryStays(t *testing.T) {
	si := newSite(t, nil)
	h := account.RequireLogin(si.Manager, account.Guard{LoginURL: "/login"})(http.NotFoundHandler())
	si.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		w.Header().Set("Cache-Control", "public, max-age=60")
		h.ServeHTTP(w, r)
	})
	got := (&visitor{site: si}).do("GET", "/", page...)
	if vary := got.Values("Vary"); !slices.Equal(vary, []string{"Origin", "Accept, Sec-Fetch-Mode", "Cookie"}) {
		t.Errorf("got Vary %q, want Origin and what the guard adds", vary)
	}
	if cache := got.Values("Cache-Control"); !slices.Equal(cache, []string{"no-store"}) {
		t.Errorf("got Cache-Control %q, want no-store in place of the outer one", cache)
	}
}

// TestLoginURL: next is added to any address, and left out if it would lead to
// another site.
func TestLoginURL(t *testing.T) {
	for name, test := range map[string]struct{ loginURL, target, want string }{
		"Query":       {"/login?lang=en", "/a?b=c&d", "/login?lang=en&next=%2Fa%3Fb%3Dc%26d"},
		"Fragment":    {"/login#form", "/a", "/login?next=%2Fa#form"},
		"OtherHost":   {"https://login.example/", "/a", "https://login.example/?next=%2Fa"},
		"TwoSlashes":  {"/login", "//evil.example/a", "/login"},
		"Backslash":   {"/login", `/\evil.example/a`, "/login"},
		"Encoded":     {"/login", "/%5Cevil.example/a", "/login"},
		"Absolute":    {"/login", "http://evil.example/a", "/login"},
		"DotSegments": {"/login", "/.//evil.example/a", "/login"},
	} {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, nil)
			ctx := si.NewContext(t.Context(), session.Info[visit]{})
			refusal := account.Check(ctx, si.Manager, account.Guard{LoginURL: test.loginURL}, account.Request{Method: "GET", Target: test.target, FetchMode: "navigate"})
			if refusal == nil || refusal.Header.Get("Location") != test.want {
				t.Errorf("got %+v, want Location %q", refusal, test.want)
			}
		})
	}
}

// TestTargetAsSent: next is the target that the browser sent, not what a router
// has left of it.
func TestTargetAsSent(t *testing.T) {
	si := newSite(t, nil)
	guarded := account.RequireLogin(si.Manager, account.Guard{LoginURL: "/login"})(http.NotFoundHandler())
	si.Handle("/shop/", http.StripPrefix("/shop", guarded))
	got := (&visitor{site: si}).do("GET", "/shop/cart?a=b", page...)
	if want := "/login?next=%2Fshop%2Fcart%3Fa%3Db"; got.Get("Location") != want {
		t.Errorf("got Location %q, want %q", got.Get("Location"), want)
	}

	r, err := http.NewRequestWithContext(si.NewContext(t.Context(), session.Info[visit]{}), "GET", "http://shop.example/cart?a=b", nil) // has no RequestURI
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	guarded.ServeHTTP(w, r)
	if got, want := w.Result().Header.Get("Location"), "/login?next=%2Fcart%3Fa%3Db"; got != want {
		t.Errorf("without RequestURI: got Location %q, want %q", got, want)
	}
}

// TestWithin: a login that is too old is refused until the next one, to the
// millisecond. Without Within, any login will do.
func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, nil)
		si.guard("/password", account.Guard{LoginURL: "/login", Within: 5 * time.Minute})
		si.guard("/orders", account.Guard{})
		ann := si.login("ann", "Firefox")

		time.Sleep(5 * time.Minute)
		if got := ann.do("POST", "/password"); got.status != 200 {
			t.Errorf("5m after the login: got status %d, want 200", got.status)
		}
		time.Sleep(time.Millisecond)
		got := ann.do("POST", "/password")
		want := `Cookie error="insufficient_user_authentication", max_age="300"`
		if got.status != 401 || got.Get("WWW-Authenticate") != want {
			t.Errorf("later: got status %d, challenge %q, want 401, %q", got.status, got.Get("WWW-Authenticate"), want)
		}
		if got := ann.do("GET", "/password", page...); got.status != 303 || got.Get("Location") != "/login?next=%2Fpassword" {
			t.Errorf("later, a page: got status %d, Location %q, want 303, the login page", got.status, got.Get("Location"))
		}
		if got := ann.do("POST", "/orders"); got.status != 200 {
			t.Errorf("without Within: got status %d, want 200", got.status)
		}
		ann.again("ann", "Firefox")
		if got := ann.do("POST", "/password"); got.status != 200 {
			t.Errorf("after another login: got status %d, want 200", got.status)
		}
	})
}

// TestOutage: a store that is down, or data that cannot be read, is never "not
// logged in", and the answer does not show the store's error.
func TestOutage(t *testing.T) {
	si := newSite(t, nil)
	si.guard("/orders", account.Guard{LoginURL: "/login"})
	ann := si.login("ann", "Firefox")
	si.failing = "all"
	for _, headers := range [][]string{page, nil} {
		got := ann.do("GET", "/orders", headers...)
		if got.status != 503 || got.Get("Location") != "" || got.Get("WWW-Authenticate") != "" || got.Get("Retry-After") == "" {
			t.Errorf("store down: got status %d and the headers %v, want 503 with Retry-After, and no word of a login", got.status, got.Header)
		}
		if got.Get("Cache-Control") != "no-store" || got.body != "Service Unavailable\n" {
			t.Errorf("store down: got Cache-Control %q, body %q, want no-store and the status alone", got.Get("Cache-Control"), got.body)
		}
	}
	si.failing = ""
	si.spoil(ann)
	if got := ann.do("GET", "/orders", page...); got.status != 500 || got.Get("Retry-After") != "" {
		t.Errorf("undecodable: got status %d, Retry-After %q, want 500 and none", got.status, got.Get("Retry-After"))
	}
}

// TestCheck: the decision comes with its reason, and without a server.
func TestCheck(t *testing.T) {
	si := newSite(t, nil)
	guard := account.Guard{Within: -1} // no login is recent enough
	ctx := si.NewContext(t.Context(), session.Info[visit]{Subject: "ann"})
	if refusal := account.Check(ctx, si.Manager, account.Guard{}, account.Request{}); refusal != nil {
		t.Errorf("logged in: got %+v, want nil", refusal)
	}
	if refusal := account.Check(ctx, si.Manager, guard, account.Request{}); refusal == nil || refusal.Err != account.ErrLoginTooOld || refusal.Status != 401 {
		t.Errorf("got %+v, want ErrLoginTooOld, 401", refusal)
	}
	ctx = si.NewContext(t.Context(), session.Info[visit]{})
	if refusal := account.Check(ctx, si.Manager, guard, account.Request{}); refusal == nil || refusal.Err != account.ErrNotLoggedIn || refusal.Status != 401 {
		t.Errorf("got %+v, want ErrNotLoggedIn, 401", refusal)
	}
	if refusal := account.Check(t.Context(), si.Manager, guard, account.Request{}); refusal == nil || !errors.Is(refusal.Err, session.ErrNoSession) || refusal.Status != 500 {
		t.Errorf("without the middleware: got %+v, want ErrNoSession, 500", refusal)
	}
}

// TestBound: a login may be bound for a while, and then has to be.
func TestBound(t *testing.T) {
	for _, peek := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			si := newSite(t, &session.Options{Device: session.Device{Path: "/device"}})
			si.guard("/admin", account.Guard{LoginURL: "/login", Bound: true, Peek: peek})
			ann := si.login("ann", "Firefox")
			pass := func(want bool) {
				t.Helper()
				if got := ann.do("GET", "/admin", page...); (got.status == 200) != want || !want && got.Get("Location") != "/login?next=%2Fadmin" {
					t.Errorf("got status %d to %q, want it to pass: %v", got.status, got.Get("Location"), want)
				}
			}
			pass(true)
			time.Sleep(10*time.Minute - time.Millisecond)
			pass(true)
			time.Sleep(time.Millisecond)
			pass(false)
		})
	}
	si := newSite(t, nil)
	si.guard("/admin", account.Guard{Bound: true})
	if got := si.login("ann", "Firefox").do("GET", "/admin"); got.status != 401 || got.Get("WWW-Authenticate") != "Cookie" {
		t.Errorf("where no session is bound: got status %d, %q", got.status, got.Get("WWW-Authenticate"))
	}
}

// TestBoundIsListed: a bound session passes a guard with Bound, and the list of
// devices says that it is bound.
func TestBoundIsListed(t *testing.T) {
	si := newSite(t, &session.Options{Device: session.Device{Path: "/device"}})
	si.guard("/admin", account.Guard{Bound: true})
	si.Handle("/devices/", http.StripPrefix("/devices", account.Devices(si.Manager, account.Guard{Bound: true}, nil)))
	si.HandleFunc("POST /device", func(_ http.ResponseWriter, r *http.Request) {
		if _, err := session.RegisterDevice(r.Context(), si.Manager, r.FormValue("challenge"), []byte("key")); err != nil {
			t.Error(err)
		}
	})
	ann := &visitor{site: si}
	_, challenge, _ := strings.Cut(ann.do("POST", "/login?user=ann").Get("Secure-Session-Registration"), `;challenge="`)
	ann.do("POST", "/device?challenge="+strings.TrimSuffix(challenge, `"`))
	if got := ann.do("GET", "/admin"); got.status != 200 {
		t.Errorf("got status %d", got.status)
	}
	if got := ann.do("GET", "/devices/"); got.status != 200 || !strings.Contains(got.body, `"binding":"bound"`) {
		t.Errorf("got status %d, %s", got.status, got.body)
	}
}
