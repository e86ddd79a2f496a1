package sessionfiber_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	"github.com/gostateful/session/core/adaptertest"
)

// TestMiddleware checks the laws, with c as the context that the application
// passes to Get.
func TestMiddleware(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
		return listen(t, app(s, fiber.Config{}, func(c fiber.Ctx) context.Context { return c }), s.TLS)
	})
}

// TestMiddlewareContext checks them with c.Context() and the values that the
// application has set there, on an app whose values may be kept, after a
// middleware that asks for a cookie.
func TestMiddlewareContext(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
		app := app(s, fiber.Config{Immutable: true}, func(c fiber.Ctx) context.Context { return c.Context() })
		return listen(t, app, s.TLS)
	})
}

// serve lets an app answer at the URL that it returns, until the test ends.
func serve(t *testing.T, app *fiber.App) string {
	t.Helper()
	return listen(t, app, nil)
}

// listen is serve over TLS, unless the config is nil.
func listen(t *testing.T, app *fiber.App, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	if config != nil {
		l, url = tls.NewListener(l, config), "https://"+l.Addr().String()
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		_ = l.Close() // as Shutdown does nothing to a server that is only about to serve
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return url
}

// app is the suite's server. of returns the context that is passed to Get.
func app(s adaptertest.Server, config fiber.Config, of func(fiber.Ctx) context.Context) *fiber.App {
	app := fiber.New(config)
	app.Use(recover.New()) // without it a panic ends the process
	app.Use(func(c fiber.Ctx) error {
		if of(c) != c { // a fiber.Ctx has no deadline and no values but its own
			c.SetContext(s.Context(c.Context()))
			c.Cookies("theme")
		}
		for name, value := range s.Header {
			c.Set(name, value)
		}
		return c.Next()
	})
	for _, manager := range s.Managers {
		app.Use(sessionfiber.Middleware(manager, nil))
	}
	app.All("/*", func(c fiber.Ctx) error {
		var result error
		s.Handler(request(c, of(c), func(err error) { result = err }))
		return result
	})
	return app
}

func request(c fiber.Ctx, ctx context.Context, finally func(error)) adaptertest.Request {
	return adaptertest.Request{
		Context: ctx,
		Target:  strings.Clone(c.OriginalURL()),
		Header:  c.Set,
		Respond: func(status int, body string) { finally(c.Status(status).SendString(body)) },
		Ways: map[string]func(body string){
			"Error":      func(body string) { finally(fiber.NewError(200, body)) },
			"Write":      func(body string) { c.WriteString(body) },
			"SendStream": func(body string) { finally(c.SendStream(strings.NewReader(body))) },
			"SendStreamWriter": func(body string) {
				finally(c.SendStreamWriter(func(w *bufio.Writer) { w.WriteString(body) }))
			},
			"SetBodyRaw": func(body string) { c.Response().SetBodyRaw([]byte(body)) },
			"Hijack":     func(body string) { hijack(c, body) },
		},
		Stream: func(parts func(send func(part string) error)) {
			finally(c.SendStreamWriter(func(w *bufio.Writer) {
				parts(func(part string) error {
					w.WriteString(part)
					return w.Flush()
				})
			}))
		},
		Fail: finally,
		Inform: func(status int) {
			if status != fiber.StatusEarlyHints {
				panic(fmt.Sprintf("fiber sends no response of status %d ahead of another", status))
			}
			if err := c.SendEarlyHints([]string{"</hello.css>; rel=preload"}); err != nil {
				finally(err)
			}
		},
	}
}

// hijack takes over the connection and responds by itself.
func hijack(c fiber.Ctx, body string) {
	taken := c.RequestCtx() // fasthttp reuses it when the function below returns
	taken.HijackSetNoResponse(true)
	taken.Hijack(func(conn net.Conn) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
		for name, value := range taken.Response.Header.All() {
			if string(name) != fiber.HeaderConnection {
				fmt.Fprintf(conn, "%s: %s\r\n", name, value)
			}
		}
		fmt.Fprintf(conn, "\r\n%s", body)
	})
}
