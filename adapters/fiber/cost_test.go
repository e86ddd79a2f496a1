package sessionfiber_test

import (
	"bufio"
	"context"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/helmet"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// argument makes a value of the type that a function takes a pointer to:
// fasthttp's RequestCtx, whose module this one does not require by name.
func argument[T any](func(*T)) *T { return new(T) }

// handled returns a function that lets an app handle one request with a cookie,
// again and again, without a connection.
func handled(tb testing.TB, app *fiber.App, cookie string) func() {
	text := "GET / HTTP/1.1\r\nHost: shop.example\r\nCookie: " + cookie + "\r\n\r\n"
	source := strings.NewReader(text)
	reader := bufio.NewReader(source)
	handler := app.Handler()
	ctx := argument(handler)
	return func() {
		ctx.Request.Reset()
		ctx.Response.Reset()
		source.Reset(text)
		reader.Reset(source)
		if err := ctx.Request.Read(reader); err != nil {
			tb.Error(err)
		}
		handler(ctx)
	}
}

func unused(c fiber.Ctx) error { return c.SendString("hello") }

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
	data := cart{Items: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}}
	cookie := shop.cookie(t, func(c *cart) error { *c = data; return nil })
	read := func(c fiber.Ctx) error {
		s, err := shop.Get(c)
		if err != nil || len(s.Data().Items) != 10 {
			t.Errorf("the handler does not see its session: %v", err)
		}
		return c.SendString("hello")
	}
	allocs := func(handlers ...fiber.Handler) float64 {
		app := fiber.New()
		for _, h := range handlers {
			app.Use(h)
		}
		return least(handled(t, app, cookie))
	}

	bare := allocs(unused)
	if got := allocs(sessionfiber.Middleware(shop.Manager, nil), unused) - bare; got > 3 {
		t.Errorf("a request that does not use its session costs %v allocations more than the bare handler, want 3 at most", got)
	}
	around := helmet.New() // sets many headers
	if got := allocs(around, sessionfiber.Middleware(shop.Manager, nil), unused) - allocs(around, unused); got > 3 {
		t.Errorf("after a middleware that sets headers, that costs %v allocations, want 3 at most", got)
	}
	if got := allocs(sessionfiber.Middleware(shop.Manager, nil), read) - bare; got > 6 {
		t.Errorf("a read costs %v allocations more than the bare handler, want 6 at most", got)
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

func BenchmarkBare(b *testing.B) {
	app := fiber.New()
	app.Use(unused)
	benchmark(b, app)
}

func BenchmarkUnused(b *testing.B) {
	app := fiber.New()
	app.Use(sessionfiber.Middleware(newShop(b).Manager, nil))
	app.Use(unused)
	benchmark(b, app)
}

func BenchmarkRead(b *testing.B) {
	shop := newFree(b)
	app := fiber.New()
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Use(func(c fiber.Ctx) error {
		if _, err := shop.Get(c); err != nil {
			return err
		}
		return c.SendString("hello")
	})
	handle := handled(b, app, shop.cookie(b, add("bread")))
	b.ReportAllocs()
	for b.Loop() {
		handle()
	}
}

func benchmark(b *testing.B, app *fiber.App) {
	handle := handled(b, app, newShop(b).cookie(b, add("bread")))
	b.ReportAllocs()
	for b.Loop() {
		handle()
	}
}
