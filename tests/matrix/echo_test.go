package matrix

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	"github.com/gostateful/session/core/adaptertest"
)

// onEcho is a server of echo. Its own tests begin a response in more ways, and put
// echo's middleware around the sessions.
func onEcho(t *testing.T, s adaptertest.Server) string {
	e := echo.NewWithConfig(echo.Config{Logger: slog.New(slog.DiscardHandler)})
	for _, manager := range s.Managers {
		e.Use(sessionecho.Middleware(manager))
	}
	e.Any("/*", func(c *echo.Context) (err error) {
		w := c.Response()
		flush := http.NewResponseController(w).Flush
		s.Handler(adaptertest.Request{
			Context: c.Request().Context(),
			Target:  c.Request().URL.RequestURI(),
			Header:  w.Header().Set,
			Respond: func(status int, body string) { err = c.String(status, body) },
			Ways: map[string]func(body string){
				"Write": func(body string) { _, err = io.WriteString(w, body) },
				"Flush": func(body string) {
					if err = flush(); err == nil {
						_, err = io.WriteString(w, body)
					}
				},
			},
			Stream: func(parts func(send func(part string) error)) {
				parts(func(part string) error {
					if _, err := io.WriteString(w, part); err != nil {
						return err
					}
					return flush()
				})
			},
			Fail: func(failure error) { err = failure },
		})
		return err
	})
	return serve(t, s, e)
}
