package bench

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// operations are what is measured, by the path of the handler.
var operations = []struct{ name, path string }{
	{"unused", "/unused"}, // the visitor has a session, and the handler does not ask for it
	{"read", "/read"},     // the handler reads a cart of ten items
	{"modify", "/update"}, // it changes one of them
	{"create", "/fill"},   // a first visit: it stores ten items in a new session
}

// BenchmarkRequests has each library serve each kind of request from as many
// goroutines as there are processors, each with a session of its own. The names
// are for benchstat. "raw" is what the server must be asked anyway: the
// same commands on as many bytes, without a session. The libraries take turns in
// another order each time, because the first ones find another server than the
// last: one that has less memory and fewer rows.
func BenchmarkRequests(b *testing.B) {
	for _, s := range stores {
		b.Run("store="+s.name, func(b *testing.B) {
			opened := s.open(b)
			for _, op := range operations {
				b.Run("op="+op.name, func(b *testing.B) {
					runs := []func(){}
					if opened.raw != nil && op.name != "unused" {
						runs = append(runs, func() {
							b.Run("lib=raw", func(b *testing.B) {
								measure(b, opened, func() func() { return opened.raw(b, op.name) })
							})
						})
					}
					for _, l := range opened.libraries {
						runs = append(runs, func() {
							b.Run("lib="+l.name, func(b *testing.B) {
								site := l.site(b)
								measure(b, opened, func() func() {
									visit := site(b, op.path != "/fill")
									return func() { visit(op.path) }
								})
							})
						})
					}
					for _, i := range rand.Perm(len(runs)) {
						runs[i]()
					}
				})
			}
		})
	}
}

// measure runs what client makes, once for each goroutine.
func measure(b *testing.B, on opened, client func() func()) {
	clients := make([]func(), runtime.GOMAXPROCS(0))
	for i := range clients {
		clients[i] = client()
	}
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	before := on.work()
	b.RunParallel(func(pb *testing.PB) {
		visit := clients[next.Add(1)-1]
		for pb.Next() {
			visit()
		}
	})
	b.StopTimer()
	for unit, n := range on.work() {
		b.ReportMetric((n-before[unit])/float64(b.N), unit)
	}
}

// A site has a visitor, whose requests have the cookie of a filled session or, as at
// a first visit, none.
type site func(tb testing.TB, filled bool) (visit func(path string) (body []byte))

// A sink is a response, reused so that it costs nothing.
type sink struct {
	header http.Header
	body   []byte
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) Write(b []byte) (int, error) {
	s.body = append(s.body[:0], b...)
	return len(b), nil
}

func (s *sink) WriteHeader(status int) {
	if status != http.StatusOK {
		panic(http.StatusText(status))
	}
}

// served is the site of a handler of net/http.
func served(h http.Handler) site {
	return func(_ testing.TB, filled bool) func(string) []byte {
		w := &sink{header: http.Header{}}
		template := httptest.NewRequest("POST", "/", nil)
		template.Header.Set("X-Forwarded-Proto", "https")
		visit := func(path string) []byte {
			clear(w.header)
			r := *template // gorilla keeps the session in the request, so each is a new one
			r.URL.Path = path
			h.ServeHTTP(w, &r)
			return w.body
		}
		if filled {
			visit("/fill")
			cookie, _, _ := strings.Cut(w.header.Get("Set-Cookie"), ";")
			template.Header.Set("Cookie", cookie)
		}
		return visit
	}
}

// TestSites sees that each library does on each store what is measured.
func TestSites(t *testing.T) {
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			opened := s.open(t)
			for _, l := range opened.libraries {
				t.Run(l.name, func(t *testing.T) {
					site := l.site(t)
					site(t, false)("/fill")
					visit := site(t, true)
					visit("/unused")
					visit("/update")
					if got := visit("/read"); string(got) != "11" {
						t.Errorf("ten and one: got %q", got)
					}
				})
			}
			for _, op := range operations[1:] {
				if opened.raw != nil {
					opened.raw(t, op.name)()
				}
			}
		})
	}
}
