package sessionfiber_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/logger"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestFirstGetInStream: a stream runs after the handlers have returned. If no
// handler asked for the session, Get is refused, whatever the header says.
func TestFirstGetInStream(t *testing.T) {
	for _, control := range []string{"public", "private"} {
		shop := newShop(t)
		committed, refused := make(chan struct{}), make(chan error, 1)
		app := fiber.New()
		app.Use(func(c fiber.Ctx) error {
			defer close(committed)
			return c.Next()
		})
		app.Use(sessionfiber.Middleware(shop.Manager, nil))
		app.Get("/", func(c fiber.Ctx) error {
			c.Set("Cache-Control", control)
			ctx := c.Context()
			return c.SendStreamWriter(func(*bufio.Writer) {
				<-committed
				_, err := shop.Get(ctx)
				refused <- err
			})
		})
		ask(t, app, "GET", "/", shop.cookie(t, add("bread"))).wants(t, 200, "", 0)
		if err := <-refused; !errors.Is(err, session.ErrNoSession) {
			t.Errorf("%s: a first Get in a stream: got the error %v, want ErrNoSession", control, err)
		}
	}
}

// TestClientLeft: a cancelled context means that the client has left, and not
// that the store failed.
func TestClientLeft(t *testing.T) {
	m, err := session.New[cart](adaptertest.NewStore(), &session.Options{Observer: func(_ context.Context, e session.Event) {
		if e.Kind == session.EventError {
			t.Errorf("got the event %v", e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	cookie := shop{Manager: m}.cookie(t, add("bread"))
	app := fiber.New()
	app.Use(sessionfiber.Middleware(m, nil), func(c fiber.Ctx) error {
		ctx, cancel := context.WithCancel(c.Context())
		cancel()
		c.SetContext(ctx)
		return c.Next()
	})
	app.Get("/", func(c fiber.Ctx) error {
		_, err := m.Get(c.Context())
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got the error %v, want context.Canceled", err)
		}
		return err
	})
	a := ask(t, app, "GET", "/", cookie)
	a.wants(t, 499, a.body, 0)
}

// TestReturnedErrors: the default ErrorHandler does not show the text of a
// session's error to clients, however it was wrapped. An application's
// ErrorHandler can find the reason.
func TestReturnedErrors(t *testing.T) {
	for name, test := range map[string]struct {
		returned func(err error) error
		status   int
		body     string
	}{
		"AsItIs":  {func(err error) error { return err }, 503, "Service Unavailable"},
		"Wrapped": {func(err error) error { return errors.Join(errors.New("no basket"), err) }, 503, "Service Unavailable"},
		"Joined":  {func(err error) error { return errors.Join(fiber.NewError(502, "no basket"), err) }, 502, "no basket"},
		"Copied":  {func(err error) error { return fiber.NewError(503, err.Error()) }, 503, "Service Unavailable"},
		"Chosen":  {func(error) error { return fiber.NewError(504, "session: over") }, 504, "session: over"},
		"Other":   {func(error) error { return errors.New("session: over") }, 500, "session: over"},
	} {
		for _, own := range []bool{false, true} {
			shop := newShop(t)
			config := fiber.Config{}
			if own {
				config.ErrorHandler = func(c fiber.Ctx, err error) error {
					if (name == "AsItIs" || name == "Wrapped" || name == "Joined") && !errors.Is(err, session.ErrUnavailable) {
						t.Errorf("%s: the ErrorHandler got the error %v, which does not wrap the reason", name, err)
					}
					return fiber.DefaultErrorHandler(c, err)
				}
			}
			app := fiber.New(config)
			app.Use(sessionfiber.Middleware(shop.Manager, nil))
			app.Get("/", func(c fiber.Ctx) error {
				_, err := shop.Get(c)
				return test.returned(err)
			})
			cookie := shop.cookie(t, add("bread"))
			shop.store.Lose()
			ask(t, app, "GET", "/", cookie).wants(t, test.status, test.body, 0)
		}
	}
}

// TestLogger: fiber's logger calls the ErrorHandler itself. Before this
// middleware, it gets the error that clients may see.
func TestLogger(t *testing.T) {
	var logged bytes.Buffer
	shop := newShop(t)
	app := fiber.New()
	app.Use(logger.New(logger.Config{Format: "${status} ${error}\n", Stream: &logged}))
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/", shop.read)
	cookie := shop.cookie(t, add("bread"))
	shop.store.Lose()
	ask(t, app, "GET", "/", cookie).wants(t, 503, "Service Unavailable", 0)
	if got := logged.String(); !strings.HasPrefix(got, "503 ") {
		t.Errorf("the logger wrote %q, want the status that the client got", got)
	}
}
