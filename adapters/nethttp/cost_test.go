package nethttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// blank is a writer that keeps nothing.
type blank struct{ header http.Header }

func (w blank) Header() http.Header         { return w.header }
func (w blank) Write(b []byte) (int, error) { return len(b), nil }
func (w blank) WriteHeader(int)             {}
func (w blank) Flush()                      {}

// A free store has one session and costs nothing, so that the test measures
// only the middleware.
type free struct {
	*adaptertest.Store
	record session.Record
}

func (s *free) Create(_ context.Context, r session.Record) error {
	s.record = r
	return nil
}

func (s *free) Load(context.Context, session.ID) (session.Record, error) { return s.record, nil }

func newFree(t testing.TB) shop {
	t.Helper()
	m, err := session.New[cart](&free{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return shop{Manager: m}
}

// TestAllocations bounds what the middleware costs a request.
func TestAllocations(t *testing.T) {
	shop := newFree(t)
	unused := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := shop.Get(r.Context())
		if err != nil || len(s.Data().Items) != 10 {
			t.Errorf("the handler does not see its session: %v", err)
		}
		w.WriteHeader(200)
	})

	data := cart{Items: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}}
	request := httptest.NewRequest("GET", "/", nil)
	first := httptest.NewRecorder()
	nethttp.Middleware(shop.Manager, nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := shop.Get(r.Context())
		if err == nil {
			err = s.Update(func(c *cart) error { *c = data; return nil })
		}
		if err != nil {
			t.Error(err)
		}
	})).ServeHTTP(first, request)
	for _, c := range first.Result().Cookies() {
		request.AddCookie(c)
	}
	w := blank{http.Header{}}
	allocs := func(h http.Handler) float64 {
		return least(func() {
			clear(w.header)
			h.ServeHTTP(w, request)
		})
	}
	bare := allocs(unused)
	if got := allocs(nethttp.Middleware(shop.Manager, nil)(unused)) - bare; got > 1 {
		t.Errorf("a request that does not use its session costs %v allocations more than the bare handler, want 1 at most", got)
	}
	if got := allocs(nethttp.Middleware(shop.Manager, nil)(read)) - bare; got > 6 {
		t.Errorf("a read costs %v allocations more than the bare handler, want 6 at most", got)
	}
}

// least returns the fewest allocations of f in several runs: a garbage
// collection, or the race detector, empties the pools of the server, and adds
// to some runs.
func least(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 300 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

func BenchmarkUnused(b *testing.B) {
	shop := newShop(b)
	h := nethttp.Middleware(shop.Manager, nil)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }))
	w, r := blank{http.Header{}}, httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}
