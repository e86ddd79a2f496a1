package sessionfiber_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/cors"
	"github.com/gofiber/fiber/v3/middleware/recover"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
)

// TestErrorHandler: OnError answers a failed commit, and its answer has no
// header of the handler's response.
func TestErrorHandler(t *testing.T) {
	for name, test := range map[string]struct {
		opts   *sessionfiber.Options
		status int
		body   string
	}{
		"Default": {nil, 503, "Service Unavailable"},
		"Nil":     {&sessionfiber.Options{}, 503, "Service Unavailable"},
		"Own": {&sessionfiber.Options{OnError: func(c fiber.Ctx, err error) error {
			if !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("got the error %v, want ErrUnavailable", err)
			}
			return c.Status(502).SendString("sorry, " + c.Path())
		}}, 502, "sorry, /pay"},
		"BodyOnly":      {&sessionfiber.Options{OnError: func(c fiber.Ctx, _ error) error { return c.SendString("sorry") }}, 503, "sorry"},
		"WritesNothing": {&sessionfiber.Options{OnError: func(fiber.Ctx, error) error { return nil }}, 503, ""},
		"Fibers":        {&sessionfiber.Options{OnError: func(_ fiber.Ctx, err error) error { return fiber.NewError(504, "sorry") }}, 504, "app: sorry"},
	} {
		for _, normal := range []bool{true, false} {
			if !normal {
				name += "/AsWritten"
			}
			t.Run(name, func(t *testing.T) {
				shop := newShop(t)
				calls := 0
				opts := test.opts
				if opts != nil && opts.OnError != nil {
					opts = &sessionfiber.Options{OnError: func(c fiber.Ctx, err error) error {
						calls++
						return test.opts.OnError(c, err)
					}}
				}
				app := fiber.New(fiber.Config{
					DisableHeaderNormalizing:  !normal,
					DisableDefaultContentType: !normal,
					ErrorHandler: func(c fiber.Ctx, err error) error {
						return c.Status(err.(*fiber.Error).Code).SendString("app: " + err.Error())
					},
				})
				app.Use(cors.New(cors.Config{AllowOrigins: []string{"https://shop.example"}}))
				app.Use(func(c fiber.Ctx) error {
					c.Set("X-Frame-Options", "DENY")
					c.Append("Server-Timing", "proxy;dur=1")
					c.Cookie(&fiber.Cookie{Name: "theme", Value: "dark"})
					return c.Next()
				})
				app.Use(sessionfiber.Middleware(shop.Manager, opts))
				app.Get("/pay", func(c fiber.Ctx) error {
					if _, err := shop.update(c, "bread"); err != nil {
						t.Error(err)
					}
					shop.store.Lose()
					for _, name := range []string{"ETag", "location", "Content-Disposition", "trailer", "HX-Redirect", "x-paid", "X"} {
						c.Set(name, "x")
					}
					c.Set("X-Frame-Options", "SAMEORIGIN")
					c.Append("Server-Timing", "pay;dur=3")
					c.Set("cache-control", "public")
					c.Type("png")
					c.Cookie(&fiber.Cookie{Name: "paid", Value: "yes"})
					c.Response().SkipBody = true
					c.Response().Header.SetStatusMessage([]byte("Paid"))
					c.Status(303).SendString("paid")
					return fiber.NewError(418, "an error of the handler goes with its response")
				})
				a := ask(t, app, "GET", "/pay", "", "Origin: https://shop.example")
				a.wants(t, test.status, test.body, 1)
				if !strings.HasSuffix(a.Status, http.StatusText(test.status)) {
					t.Errorf("got the status line %q, which has the handler's message", a.Status)
				}
				for _, name := range []string{"Etag", "Location", "Content-Disposition", "Trailer", "Hx-Redirect", "X-Paid", "X"} {
					if got, ok := a.Header[name]; ok {
						t.Errorf("the answer has the handler's %s: %q", name, got)
					}
				}
				if len(a.Trailer) > 0 {
					t.Errorf("the answer has the handler's trailers %v", a.Trailer)
				}
				for name, want := range map[string]string{"X-Frame-Options": "DENY", "Server-Timing": "proxy;dur=1"} {
					if got := a.Header[name]; !slices.Equal(got, []string{want}) {
						t.Errorf("got %s %q, want %q, as it was before the handler", name, got, want)
					}
				}
				if got := a.cookie(); got != "theme=dark" {
					t.Errorf("got the cookie %q, want the one that was there before the handler", got)
				}
				if got := a.Header.Get("Content-Type"); strings.HasPrefix(got, "image") || calls == 0 && !strings.HasPrefix(got, "text/plain") {
					t.Errorf("got Content-Type %q, which is not that of the answer", got)
				}
				if got := a.Header.Get("Access-Control-Allow-Origin"); got == "" {
					t.Error("the answer has lost a header that is not the handler's: a script of another origin could not read the status")
				}
				if got := a.Header["Cache-Control"]; !slices.Equal(got, []string{"no-store"}) {
					t.Errorf("got Cache-Control %q, want no-store", got)
				}
				if got := a.Header.Get("Retry-After"); got == "" {
					t.Errorf("got Retry-After %q, want it in the default answer to a store that is down", got)
				}
				if opts != nil && opts.OnError != nil && calls != 1 {
					t.Errorf("the error handler was called %d times, want once", calls)
				}
			})
		}
	}
}

// TestHandlerError: an error of the handler becomes a response when the session
// is committed, and the response has the session's headers.
func TestHandlerError(t *testing.T) {
	for name, test := range map[string]struct {
		handler fiber.ErrorHandler
		err     error
		status  int
		body    string
	}{
		"Default": {nil, fiber.NewError(404, "no such bread"), 404, "no such bread"},
		"Unnamed": {nil, errors.New("out of bread"), 500, "out of bread"},
		"Own": {func(c fiber.Ctx, err error) error {
			return c.Status(422).JSON(fiber.Map{"error": err.Error()})
		}, errors.New("out of bread"), 422, `{"error":"out of bread"}`},
		"Fails": {func(_ fiber.Ctx, err error) error { return err }, errors.New("out of bread"), 500, "Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			shop := newShop(t)
			app := fiber.New(fiber.Config{ErrorHandler: test.handler, DisableHeaderNormalizing: true})
			app.Use(sessionfiber.Middleware(shop.Manager, nil))
			app.Get("/", func(c fiber.Ctx) error {
				if _, err := shop.update(c, "bread"); err != nil {
					t.Error(err)
				}
				c.Set("cache-control", "public")
				return test.err
			})
			a := ask(t, app, "GET", "/", "")
			a.wants(t, test.status, test.body, 1)
			if !slices.Equal(a.Header["Cache-Control"], []string{"no-store"}) || a.Header.Get("Vary") != "Cookie" {
				t.Errorf("the response has not the headers that go with the cookie: %v", a.Header)
			}
			if got := shop.items(t, a.cookie()); got != "bread" {
				t.Errorf("the session has %q, want what the handler stored before its error", got)
			}
		})
	}
}

// TestRecover: around the middleware, it gets the panic, and nothing is
// committed. Inside it, the panic is an error of the handler, like any other.
func TestRecover(t *testing.T) {
	for _, within := range []bool{false, true} {
		shop := newShop(t)
		handlers := []any{recover.New(), sessionfiber.Middleware(shop.Manager, nil)}
		if within {
			slices.Reverse(handlers)
		}
		var held *session.Session[cart]
		app := fiber.New()
		app.Use(handlers[0])
		app.Use(handlers[1])
		app.Get("/", func(c fiber.Ctx) error {
			var err error
			if held, err = shop.update(c, "bread"); err != nil {
				t.Error(err)
			}
			panic("out of bread")
		})
		want := 0
		if within {
			want = 1
		}
		ask(t, app, "GET", "/", "").wants(t, 500, "out of bread", want)
		if got := shop.store.Len(); got != want {
			t.Errorf("recover within: %t; got %d sessions in the store, want %d", within, got, want)
		}
		if err := held.Commit(t.Context()); !errors.Is(err, session.ErrHeadersSent) {
			t.Errorf("recover within: %t; Commit after the request: got the error %v, want ErrHeadersSent", within, err)
		}
	}
}

// TestUpgrade: 101 carries the cookie. The connection after it can read the
// session, and its changes come too late. If the commit fails, there is no
// upgrade.
func TestUpgrade(t *testing.T) {
	for _, down := range []bool{false, true} {
		shop := newShop(t)
		app := fiber.New()
		app.Use(sessionfiber.Middleware(shop.Manager, nil))
		app.Get("/", func(c fiber.Ctx) error {
			s, err := shop.update(c, "bread")
			if err != nil {
				return err
			}
			if down {
				shop.store.Lose()
			}
			c.Set("Connection", "Upgrade")
			c.Set("Upgrade", "echo")
			c.RequestCtx().Hijack(func(conn net.Conn) {
				if err := s.Update(add("butter")); !errors.Is(err, session.ErrHeadersSent) {
					t.Errorf("a change after the upgrade: got the error %v, want ErrHeadersSent", err)
				}
				line := make([]byte, len("hello"))
				conn.Read(line)
				conn.Write(append(line, strings.Join(s.Data().Items, " ")...))
			})
			return c.SendStatus(fiber.StatusSwitchingProtocols)
		})
		conn, err := net.Dial("tcp", strings.TrimPrefix(serve(t, app), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write([]byte("GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"))
		r := bufio.NewReader(conn)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if down {
			read(t, resp, nil).wants(t, 503, "Service Unavailable", 0)
			conn.Write([]byte("GET /other HTTP/1.1\r\nHost: shop.example\r\n\r\n"))
			if resp, err = http.ReadResponse(r, nil); err != nil || resp.StatusCode != 404 {
				t.Errorf("got %v, %v over the connection, want HTTP as before", resp, err)
			}
			continue
		}
		answer{Response: resp}.wants(t, 101, "", 1)
		conn.Write([]byte("hello"))
		if got, err := r.ReadString('d'); got != "hellobread" {
			t.Errorf("got %q, %v over the upgraded connection, want %q", got, err, "hellobread")
		}
	}
}
