package sessionchi_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	sessionchi "github.com/gostateful/session/adapters/chi"
	"github.com/gostateful/session/adapters/nethttp"
)

// ofChi are chi's own middlewares. Each is before that of the sessions in one
// test, and after it in another.
var ofChi = map[string]func(http.Handler) http.Handler{
	"AllowContentType": middleware.AllowContentType("text/plain"),
	"Compress":         middleware.Compress(5),
	"GetHead":          middleware.GetHead,
	"Logger":           middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: silence}),
	"NoCache":          middleware.NoCache,
	"Recoverer":        middleware.Recoverer,
	"RequestID":        middleware.RequestID,
	"StripSlashes":     middleware.StripSlashes,
	"Throttle":         middleware.Throttle(10),
	"Timeout":          middleware.Timeout(time.Minute),
	"WrapResponseWriter": func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(middleware.NewWrapResponseWriter(w, r.ProtoMajor), r)
		})
	},
}

// eachOrder runs a test on a router with each of chi's middlewares before that
// of the sessions, and after it.
func eachOrder(t *testing.T, test func(t *testing.T, name string, after bool, si site, r *chi.Mux)) {
	for name, mw := range ofChi {
		for place, after := range map[string]bool{"Before": false, "After": true} {
			t.Run(name+place, func(t *testing.T) {
				si, r := newSite(t, nil), chi.NewRouter()
				if after {
					r.Use(sessionchi.Middleware(si.Manager, nil), mw)
				} else {
					r.Use(mw, sessionchi.Middleware(si.Manager, nil))
				}
				test(t, name, after, si, r)
			})
		}
	}
}

// An answer is a response that has been read, its body as it was before any
// compression.
type answer struct {
	*http.Response
	body string
}

// ask sends a request that concerns each of ofChi.
func ask(t *testing.T, h http.Handler, cookie string) answer {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = silence
	server.Start()
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL+"/count/", strings.NewReader("ping"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Content-Type", "text/plain")
	r.Header.Set("Cookie", cookie)
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return answer{resp, string(text)}
}

// counts adds a route to r that counts a visit and writes the number. between
// is called in between.
func (si site) counts(t *testing.T, r chi.Router, between func(r *http.Request)) {
	h := func(w http.ResponseWriter, r *http.Request) {
		s, err := si.Get(r.Context())
		if err == nil {
			err = s.Update(count)
		}
		if err != nil {
			t.Error(err)
			return
		}
		between(r)
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("ETag", `"a"`)
		io.WriteString(w, strconv.Itoa(s.Data().N))
	}
	r.Get("/count", h)
	r.Get("/count/", h)
}

func nothing(*http.Request) {}

// TestChiCookie: the cookie arrives, and caches are told.
func TestChiCookie(t *testing.T) {
	eachOrder(t, func(t *testing.T, name string, _ bool, si site, r *chi.Mux) {
		si.counts(t, r, nothing)
		got := ask(t, r, "")
		cookies := got.Cookies()
		if got.StatusCode != 200 || got.body != "1" || len(cookies) != 1 || got.Header.Get("Cache-Control") != "no-store" || !contains(got.Header["Vary"], "Cookie") {
			t.Fatalf("got status %d, body %q, and the headers %v, want 200, 1, one cookie, no-store and Vary", got.StatusCode, got.body, got.Header)
		}
		if compressed := got.Header.Get("Content-Encoding") == "gzip"; compressed != (name == "Compress") {
			t.Errorf("the response is compressed: %t", compressed)
		}
		if got := ask(t, r, cookies[0].Name+"="+cookies[0].Value); got.body != "2" || len(got.Cookies()) != 0 {
			t.Errorf("the next request: got body %q and the cookies %v, want 2 and none", got.body, got.Cookies())
		}
	})
}

// TestChiCommitFails: the error response replaces the handler's.
func TestChiCommitFails(t *testing.T) {
	eachOrder(t, func(t *testing.T, name string, after bool, si site, r *chi.Mux) {
		si.counts(t, r, func(*http.Request) { si.store.Lose() })
		got := ask(t, r, "")
		if got.StatusCode != 503 || got.body != "Service Unavailable\n" || len(got.Cookies()) != 0 || got.Header.Get("ETag") != "" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("got status %d, body %q, and the headers %v, want 503 in place of the handler's response", got.StatusCode, got.body, got.Header)
		}
		if compressed := got.Header.Get("Content-Encoding") == "gzip"; compressed != (name == "Compress" && !after) {
			t.Errorf("the error response is compressed: %t", compressed)
		}
	})
}

// TestChiPanic: a panic that comes to the session's middleware discards, and the
// Recoverer outside answers 500 without a cookie.
func TestChiPanic(t *testing.T) {
	eachOrder(t, func(t *testing.T, name string, after bool, si site, r *chi.Mux) {
		si.counts(t, r, func(*http.Request) { panic("out of bread") })
		got := ask(t, quiet(middleware.Recoverer(r)), "")
		// A Recoverer inside hides the panic. So the response is like any other, with a
		// status of 500.
		kept := 0
		if name == "Recoverer" && after {
			kept = 1
		}
		if got.StatusCode != 500 || got.body != "" || len(got.Cookies()) != kept || si.store.Len() != kept {
			t.Errorf("got status %d, body %q, cookies %v and %d sessions, want 500 and %d", got.StatusCode, got.body, got.Cookies(), si.store.Len(), kept)
		}
	})
}

// TestErrorHandler: OnError answers a failed commit, and sees chi's route.
func TestErrorHandler(t *testing.T) {
	si, r := newSite(t, nil), chi.NewRouter()
	r.Use(sessionchi.Middleware(si.Manager, &nethttp.Options{OnError: func(w http.ResponseWriter, r *http.Request, err error) {
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "sorry, "+chi.RouteContext(r.Context()).RoutePattern())
	}}))
	si.counts(t, r, func(*http.Request) { si.store.Lose() })
	if got := ask(t, r, ""); got.StatusCode != 502 || got.body != "sorry, /count" {
		t.Errorf("got status %d, body %q, want 502, sorry, /count", got.StatusCode, got.body)
	}
}

// quiet keeps Recoverer from printing stacks.
func quiet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, middleware.WithLogEntry(r, noEntry{}))
	})
}

type noEntry struct{}

func (noEntry) Write(int, int, http.Header, time.Duration, any) {}
func (noEntry) Panic(any, []byte)                               {}

// TestChiTimeout: a context that has timed out does not lose the commit, and
// its 504 carries the cookie.
func TestChiTimeout(t *testing.T) {
	for name, after := range map[string]bool{"Before": false, "After": true} {
		t.Run(name, func(t *testing.T) {
			si, r := newSite(t, nil), chi.NewRouter()
			timeout, sessions := middleware.Timeout(time.Millisecond), sessionchi.Middleware(si.Manager, nil)
			if after {
				r.Use(sessions, timeout)
			} else {
				r.Use(timeout, sessions)
			}
			r.Get("/count/", func(_ http.ResponseWriter, r *http.Request) {
				s, err := si.Get(r.Context())
				if err == nil {
					<-r.Context().Done()
					err = s.Update(count)
				}
				if err != nil {
					t.Error(err)
				}
			})
			got := ask(t, r, "")
			if got.StatusCode != http.StatusGatewayTimeout || len(got.Cookies()) != 1 || si.store.Len() != 1 {
				t.Errorf("got status %d, cookies %v, and %d sessions, want 504, and the session kept", got.StatusCode, got.Cookies(), si.store.Len())
			}
		})
	}
}

// TestChiSeesStatus: an outer middleware sees the status of the error response.
func TestChiSeesStatus(t *testing.T) {
	si, r := newSite(t, nil), chi.NewRouter()
	var status, written int
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			watched := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(watched, r)
			status, written = watched.Status(), watched.BytesWritten()
		})
	}, sessionchi.Middleware(si.Manager, nil))
	si.counts(t, r, func(*http.Request) { si.store.Lose() })
	if got := ask(t, r, ""); status != 503 || written != len(got.body) {
		t.Errorf("chi's writer saw status %d and %d bytes, want 503 and %d", status, written, len(got.body))
	}
}

// TestGetHead: a HEAD that chi serves by the route for GET gets its cookie.
func TestGetHead(t *testing.T) {
	for name, after := range map[string]bool{"Before": false, "After": true} {
		t.Run(name, func(t *testing.T) {
			si, r := newSite(t, nil), chi.NewRouter()
			if sessions := sessionchi.Middleware(si.Manager, nil); after {
				r.Use(sessions, middleware.GetHead)
			} else {
				r.Use(middleware.GetHead, sessions)
			}
			si.counts(t, r, nothing)
			server := httptest.NewServer(r)
			defer server.Close()
			resp, err := server.Client().Head(server.URL + "/count")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
				t.Errorf("got status %d and the cookies %v, want 200 and one", resp.StatusCode, resp.Cookies())
			}
		})
	}
}
