package bench

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

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

// bare is a handler without any session: the floor.
func bare(testing.TB, func()) routes {
	c := ten()
	return routes{
		fill:   func(http.ResponseWriter, *http.Request) {},
		unused: unused,
		read:   func(w http.ResponseWriter, _ *http.Request) { total(w, c) },
		update: func(http.ResponseWriter, *http.Request) { c.Items[0].Amount++ },
	}
}

// visits returns a function that has a handler answer one request to a path,
// with the cookie of a filled session.
func visits(tb testing.TB, rs routes, path string) func() {
	h := rs.handler()
	w := &sink{header: http.Header{}}
	h.ServeHTTP(w, httptest.NewRequest("POST", "/fill", nil))
	cookie, _, _ := strings.Cut(w.header.Get("Set-Cookie"), ";")
	template := httptest.NewRequest("POST", path, nil)
	template.Header.Set("Cookie", cookie)
	visit := func() {
		clear(w.header)
		r := *template // gorilla keeps the session in the request, so each is a new one
		h.ServeHTTP(w, &r)
	}
	if visit(); path == "/read" && string(w.body) != "10" {
		tb.Fatalf("read: got %q, want the 10 of a filled cart", w.body)
	}
	return visit
}

func benchmark(b *testing.B, path string) {
	for _, l := range append([]library{{"bare", bare}}, libraries...) {
		b.Run(l.name, func(b *testing.B) {
			visit := visits(b, l.routes(b, nil), path)
			b.ReportAllocs()
			for b.Loop() {
				visit()
			}
		})
	}
}

// BenchmarkUnused: the visitor has a session and the handler does not ask for it.
func BenchmarkUnused(b *testing.B) { benchmark(b, "/unused") }

// BenchmarkRead: the handler reads a cart of ten items.
func BenchmarkRead(b *testing.B) { benchmark(b, "/read") }

// BenchmarkUpdate: the handler changes one of the ten items.
func BenchmarkUpdate(b *testing.B) { benchmark(b, "/update") }

// TestAllocations holds the request to its price: at most 3 allocations over
// the bare handler where the session is not used, and 6 beyond the decoder's
// own where it is read.
func TestAllocations(t *testing.T) {
	encoded, err := json.Marshal(ten())
	if err != nil {
		t.Fatal(err)
	}
	decoder := testing.AllocsPerRun(1000, func() {
		if err := json.Unmarshal(encoded, new(cart)); err != nil {
			t.Fatal(err)
		}
	})
	for path, most := range map[string]float64{"/unused": 3, "/read": decoder + 6} {
		floor := testing.AllocsPerRun(1000, visits(t, bare(t, nil), path))
		got := testing.AllocsPerRun(1000, visits(t, ours(t, nil), path)) - floor
		t.Logf("%s: %v allocations over the bare handler's %v; the decoder alone makes %v", path, got, floor, decoder)
		if got > most {
			t.Errorf("%s: got %v allocations over the bare handler, want at most %v", path, got, most)
		}
	}
}
