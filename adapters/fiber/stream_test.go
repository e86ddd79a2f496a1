package sessionfiber_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/sse"
	"github.com/gofiber/fiber/v3/middleware/timeout"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestStream: a stream can read the session that the handler captured. Its
// changes are refused once the session is committed, and Manager.Update makes them.
func TestStream(t *testing.T) {
	shop := newShop(t)
	committed := make(chan struct{})
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		defer close(committed)
		return c.Next()
	})
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/", func(c fiber.Ctx) error {
		s, err := shop.Get(c)
		if err != nil {
			return err
		}
		ctx := c.Context()
		return c.SendStreamWriter(func(w *bufio.Writer) {
			<-committed
			if again, err := shop.Get(ctx); again != s {
				t.Errorf("in the stream Get returned another handle, or the error %v", err)
			}
			for name, err := range map[string]error{"Update": s.Update(add("butter")), "Login": s.Login("alice", nil), "Destroy": s.Destroy()} {
				if !errors.Is(err, session.ErrHeadersSent) {
					t.Errorf("%s in a stream: got the error %v, want ErrHeadersSent", name, err)
				}
			}
			if err := shop.Update(ctx, s.ID(), add("jam")); err != nil {
				t.Errorf("Manager.Update in a stream: %v", err)
			}
			fmt.Fprint(w, strings.Join(s.Data().Items, " "))
		})
	})
	cookie := shop.cookie(t, add("bread"))
	ask(t, app, "GET", "/", cookie).wants(t, 200, "bread", 0)
	if got := shop.items(t, cookie); got != "bread jam" {
		t.Errorf("the session has %q, want what Manager.Update added", got)
	}
}

// TestStreamLosesNothing: fiber starts a stream at once, while the handler
// still runs. So its changes come before, during and after the commit. Each
// change that was not refused is stored.
func TestStreamLosesNothing(t *testing.T) {
	shop := newShop(t)
	app := fiber.New()
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/", func(c fiber.Ctx) error {
		s, err := shop.Get(c)
		if err != nil {
			return err
		}
		started := make(chan struct{})
		defer func() { <-started }()
		return c.SendStreamWriter(func(w *bufio.Writer) {
			for n := 0; ; n++ {
				if err := s.Update(add("x")); err != nil {
					if !errors.Is(err, session.ErrHeadersSent) {
						t.Errorf("got the error %v, want ErrHeadersSent", err)
					}
					fmt.Fprint(w, n)
					return
				}
				if n == 0 {
					close(started)
				}
			}
		})
	})
	for range 50 {
		cookie := shop.cookie(t, add("x"))
		accepted := ask(t, app, "GET", "/", cookie).body
		if got := strings.Count(shop.items(t, cookie), "x") - 1; fmt.Sprint(got) != accepted {
			t.Fatalf("the session accepted %s changes of a stream and has %d", accepted, got)
		}
	}
}

// TestSSE: fiber's middleware for events keeps the fiber.Ctx, and the session
// is still found with it.
func TestSSE(t *testing.T) {
	shop := newShop(t)
	app := fiber.New()
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/", func(c fiber.Ctx) error {
		if _, err := shop.update(c, "butter"); err != nil {
			return err
		}
		return sse.New(sse.Config{DisableHeartbeat: true, Handler: func(c fiber.Ctx, stream *sse.Stream) error {
			for _, ctx := range []context.Context{c, stream.Context()} {
				s, err := shop.Get(ctx)
				if err != nil {
					return err
				}
				if err := stream.Event(sse.Event{Data: strings.Join(s.Data().Items, " ")}); err != nil {
					return err
				}
			}
			return nil
		}})(c)
	})
	cookie := shop.cookie(t, add("bread"))
	ask(t, app, "GET", "/", cookie).wants(t, 200, "data: bread butter\n\ndata: bread butter\n\n", 0)
	if got := shop.items(t, cookie); got != "bread butter" {
		t.Errorf("the session has %q, want what the handler changed before the events", got)
	}
}

// A slow handler changes the session, waits until the request has timed out
// and its middlewares have returned, and goes on.
type slow struct {
	shop
	t       *testing.T
	waiting func(c fiber.Ctx) // called over and over
	over    chan struct{}     // closed when the middlewares have returned
	ended   sync.WaitGroup
}

func newSlow(t *testing.T, waiting func(c fiber.Ctx)) *slow {
	st := adaptertest.NewStore()
	m, err := session.New[cart](st, &session.Options{Observer: func(context.Context, session.Event) {}}) // who asks for the route
	if err != nil {
		t.Fatal(err)
	}
	return &slow{shop: shop{m, st}, t: t, waiting: waiting, over: make(chan struct{})}
}

// outermost is the middleware that notices the end.
func (s *slow) outermost(c fiber.Ctx) error {
	s.ended.Add(1)
	defer close(s.over)
	return c.Next()
}

func (s *slow) handle(c fiber.Ctx) error {
	defer s.ended.Done()
	held, err := s.update(c, "bread")
	if err != nil {
		return err
	}
	for {
		select {
		case <-s.over:
			if err := held.Update(add("butter")); !errors.Is(err, session.ErrHeadersSent) {
				s.t.Errorf("a change after the request: got the error %v, want ErrHeadersSent", err)
			}
			if again, err := s.Get(c.Context()); again != held {
				s.t.Errorf("after the request Get returned another handle, or the error %v", err)
			}
			return c.SendString("done")
		default:
			s.waiting(c)
		}
	}
}

// TestTimeout: the timeout middleware, inside this one, answers while the
// handler runs on. The changes that the handler has made by then are committed,
// with the cookie in that answer. Later ones are refused.
func TestTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		waiting func(c fiber.Ctx)
		config  timeout.Config
		status  int
	}{
		// The handler goes on with the request and its response.
		"Default": {func(c fiber.Ctx) {
			c.Locals("busy", true)
			c.Set("X-Busy", c.Path())
			c.SendString("done")
		}, timeout.Config{}, 408},
		// It goes from route to route.
		"Routes": {func(c fiber.Ctx) {
			<-c.Context().Done()
			c.Next()
		}, timeout.Config{}, 408},
		// OnTimeout writes to the same response, so this handler must not.
		"OnTimeout": {func(fiber.Ctx) { runtime.Gosched() }, timeout.Config{OnTimeout: func(c fiber.Ctx) error {
			return c.Status(504).SendString("too slow")
		}}, 504},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSlow(t, test.waiting)
			test.config.Timeout = 20 * time.Millisecond
			app := fiber.New()
			app.Use(s.outermost)
			app.Use(sessionfiber.Middleware(s.Manager, nil))
			app.Use(timeout.New(func(c fiber.Ctx) error { return c.Next() }, test.config))
			app.Get("/", s.handle)
			for range 500 { // in turns, as fiber joins what would be one route
				app.Get("/*", func(fiber.Ctx) error { return nil })
				app.Get("/", func(fiber.Ctx) error { return nil })
			}
			a := fetch(t, serve(t, app))
			s.ended.Wait()
			a.wants(t, test.status, a.body, 1)
			if got := s.items(t, a.cookie()); got != "bread" {
				t.Errorf("the session has %q, want what was changed in time", got)
			}
		})
	}
}

// TestTimeoutFailure: if the commit fails, the client does not get the answer
// of the timeout.
func TestTimeoutFailure(t *testing.T) {
	var s *slow
	s = newSlow(t, func(fiber.Ctx) { s.store.Lose() })
	app := fiber.New()
	app.Use(s.outermost)
	app.Use(sessionfiber.Middleware(s.Manager, &sessionfiber.Options{OnError: func(fiber.Ctx, error) error {
		t.Error("the error handler was called, and the fiber.Ctx is the handler's still")
		return nil
	}}))
	app.Get("/", timeout.New(s.handle, timeout.Config{Timeout: 20 * time.Millisecond}))
	fetch(t, serve(t, app)).wants(t, 503, "Service Unavailable", 0)
	s.ended.Wait()
}

// TestTimeoutAround: inside the timeout middleware, this one ends while the
// answer is sent. It commits as if the client had left.
func TestTimeoutAround(t *testing.T) {
	for range 10 {
		shop := newShop(t)
		ended := make(chan struct{})
		app := fiber.New()
		app.Use(timeout.New(func(c fiber.Ctx) error {
			defer close(ended)
			return c.Next()
		}, timeout.Config{Timeout: time.Millisecond}))
		app.Use(sessionfiber.Middleware(shop.Manager, nil))
		app.Get("/", func(c fiber.Ctx) error {
			for !c.IsAbandoned() {
				runtime.Gosched()
			}
			return shop.add(c)
		})
		fetch(t, serve(t, app)).wants(t, 408, "Request Timeout", 0)
		<-ended
		if got := shop.store.Len(); got != 1 {
			t.Errorf("the store has %d sessions, want the one of the handler that has finished", got)
		}
	}
}
