package matrix

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	"github.com/gostateful/session/core/adaptertest"
)

// onFiber is a server of fiber. Its own tests begin a response in more ways.
func onFiber(t *testing.T, s adaptertest.Server) string {
	app := fiber.New()
	app.Use(recover.New()) // the handlers of the suite panic
	app.Use(func(c fiber.Ctx) error {
		c.SetContext(s.Context(c.Context()))
		for name, value := range s.Header {
			c.Set(name, value)
		}
		return c.Next()
	})
	for _, manager := range s.Managers {
		app.Use(sessionfiber.Middleware(manager, nil))
	}
	app.All("/*", func(c fiber.Ctx) (err error) {
		stream := func(parts func(send func(part string) error)) {
			err = c.SendStreamWriter(func(w *bufio.Writer) {
				parts(func(part string) error {
					if _, err := w.WriteString(part); err != nil {
						return err
					}
					return w.Flush()
				})
			})
		}
		s.Handler(adaptertest.Request{
			Context: c.Context(),
			Target:  strings.Clone(c.OriginalURL()),
			Header:  c.Set,
			Respond: func(status int, body string) { err = c.Status(status).SendString(body) },
			Ways: map[string]func(body string){
				"Error": func(body string) { err = fiber.NewError(200, body) },
				"SendStreamWriter": func(body string) {
					stream(func(send func(string) error) { _ = send(body) })
				},
			},
			Stream: stream,
			Inform: func(int) { err = c.SendEarlyHints([]string{"</hello.css>; rel=preload"}) },
		})
		return err
	})
	return listenFiber(t, app)
}

func listenFiber(t *testing.T, app *fiber.App) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		assert.NoError(t, app.Shutdown())
		_ = l.Close() // as Shutdown does nothing to a server that is only about to serve
		assert.NoError(t, <-served)
	})
	return "http://" + l.Addr().String()
}
