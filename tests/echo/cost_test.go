package sessionecho_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// blank is a writer that keeps nothing.
type blank struct{ header http.Header }

func (w blank) Header() http.Header         { return w.header }
func (w blank) Write(b []byte) (int, error) { return len(b), nil }
func (w blank) WriteHeader(int)             {}
func (w blank) Flush()                      {}

// A free store has one session and costs nothing, so that what is measured is the
// middleware.
type free struct {
	*adaptertest.Store
	record session.Record
}

func (s *free) Create(_ context.Context, r session.Record) error {
	s.record = r
	return nil
}

func (s *free) Load(context.Context, session.ID) (session.Record, error) { return s.record, nil }

// cart is what the measured session holds.
type cart struct{ Items []string }

// noContent is a handler that does not use the session.
func noContent(c *echo.Context) error { return c.NoContent(200) }

// handled returns what lets an echo handle one request over and over.
func handled(h echo.HandlerFunc, cookie string, middlewares ...echo.MiddlewareFunc) func() {
	e := newEcho()
	e.Use(middlewares...)
	e.GET("/", h)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", cookie)
	w := blank{http.Header{}}
	return func() {
		clear(w.header)
		e.ServeHTTP(w, r)
	}
}

// newFree makes a manager with one session, and returns the session's cookie.
func newFree(t testing.TB) (carts *session.Manager[cart], known string) {
	t.Helper()
	carts, err := session.New[cart](&free{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := newEcho()
	e.Use(sessionecho.Middleware(carts))
	e.GET("/", func(c *echo.Context) error {
		s, err := carts.Get(c.Request().Context())
		if err != nil {
			return err
		}
		return s.Update(func(c *cart) error {
			c.Items = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
			return nil
		})
	})
	return carts, cookie(t, serve(e, "GET", "/"))
}

// TestAllocations bounds what the middleware costs a request.
func TestAllocations(t *testing.T) {
	carts, known := newFree(t)
	sessions := sessionecho.Middleware(carts)
	read := func(c *echo.Context) error {
		s, err := carts.Get(c.Request().Context())
		if err != nil || len(s.Data().Items) != 10 {
			t.Errorf("the handler does not see its session: %v", err)
		}
		return c.NoContent(200)
	}
	around := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			header := c.Response().Header()
			header["X-Frame-Options"], header["X-Content-Type-Options"] = denied, nosniff
			return next(c)
		}
	}
	for name, test := range map[string]struct{ got, bare, most float64 }{
		"Unused":      {least(handled(noContent, known, sessions)), least(handled(noContent, known)), 1},
		"UnusedAfter": {least(handled(noContent, known, around, sessions)), least(handled(noContent, known, around)), 4},
		"Read":        {least(handled(read, known, sessions)), least(handled(noContent, known)), 6},
	} {
		if got := test.got - test.bare; got > test.most {
			t.Errorf("%s: a request costs %v allocations more than with the bare handler, want %v at most", name, got, test.most)
		}
	}
}

var denied, nosniff = []string{"DENY"}, []string{"nosniff"}

// least is the least that f allocates: a garbage collection meanwhile, or the race
// detector, empties the pools of echo, and adds to some measurements.
func least(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 300 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

func BenchmarkBare(b *testing.B) {
	benchmark(b, handled(noContent, ""))
}

func BenchmarkUnused(b *testing.B) {
	carts, known := newFree(b)
	benchmark(b, handled(noContent, known, sessionecho.Middleware(carts)))
}

func BenchmarkRead(b *testing.B) {
	carts, known := newFree(b)
	benchmark(b, handled(func(c *echo.Context) error {
		if _, err := carts.Get(c.Request().Context()); err != nil {
			return err
		}
		return c.NoContent(200)
	}, known, sessionecho.Middleware(carts)))
}

func benchmark(b *testing.B, handle func()) {
	b.ReportAllocs()
	for b.Loop() {
		handle()
	}
}
