package sessiongin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// blank is a writer that keeps nothing.
type blank struct{ header http.Header }

func (w blank) Header() http.Header         { return w.header }
func (w blank) Write(b []byte) (int, error) { return len(b), nil }
func (w blank) WriteHeader(int)             {}

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

type basket struct{ Items []string }

func newFree(t testing.TB) (*session.Manager[basket], *http.Request) {
	t.Helper()
	m, err := session.New[basket](&free{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := m.NewCookie(t.Context(), session.Info[basket]{Data: basket{[]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}}})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Cookie", cookie.Name+"="+cookie.Value)
	return m, request
}

func unused(c *gin.Context) { c.Status(200) }

// TestAllocations bounds what the middleware costs a request.
func TestAllocations(t *testing.T) {
	m, request := newFree(t)
	read := func(c *gin.Context) {
		s, err := m.Get(c)
		if err != nil || len(s.Data().Items) != 10 {
			t.Errorf("the handler does not see its session: %v", err)
		}
		c.Status(200)
	}
	w := blank{http.Header{}}
	allocs := func(handlers ...gin.HandlerFunc) float64 {
		r := gin.New()
		r.GET("/", handlers...)
		return least(func() {
			clear(w.header)
			r.ServeHTTP(w, request)
		})
	}
	bare := allocs(unused)
	if got := allocs(sessiongin.Middleware(m, nil), unused) - bare; got > 3 {
		t.Errorf("a request that does not use its session costs %v allocations more than the bare handler, want 3 at most", got)
	}
	if got := allocs(sessiongin.Middleware(m, nil), read) - bare; got > 8 {
		t.Errorf("a read costs %v allocations more than the bare handler, want 8 at most", got)
	}
}

// least returns the fewest allocations of f in several runs: a garbage
// collection, or the race detector, empties the pools of the framework, and
// adds to some runs.
func least(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 300 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

func BenchmarkBare(b *testing.B) { benchmark(b, unused) }
func BenchmarkUnused(b *testing.B) {
	m, _ := newFree(b)
	benchmark(b, sessiongin.Middleware(m, nil), unused)
}

func BenchmarkRead(b *testing.B) {
	m, request := newFree(b)
	benchmarkOf(b, request, sessiongin.Middleware(m, nil), func(c *gin.Context) {
		if _, err := m.Get(c); err != nil {
			b.Error(err)
		}
	})
}

func benchmark(b *testing.B, handlers ...gin.HandlerFunc) {
	benchmarkOf(b, httptest.NewRequest("GET", "/", nil), handlers...)
}

func benchmarkOf(b *testing.B, request *http.Request, handlers ...gin.HandlerFunc) {
	r := gin.New()
	r.GET("/", handlers...)
	w := blank{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		r.ServeHTTP(w, request)
	}
}
