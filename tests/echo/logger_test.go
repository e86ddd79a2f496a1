package sessionecho_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	sessionecho "github.com/gostateful/session/adapters/echo"
)

// TestRequestLogger: before the sessions it sees what is sent. After them it sees what
// the handler meant to send.
func TestRequestLogger(t *testing.T) {
	for name, test := range map[string]struct {
		after, down    bool
		status, logged int
	}{
		"Before":        {false, false, 200, 200},
		"BeforeFailure": {false, true, 503, 503},
		"After":         {true, false, 200, 200},
		"AfterFailure":  {true, true, 503, 200},
	} {
		t.Run(name, func(t *testing.T) {
			si, e, logged := newSite(t, nil), newEcho(), &record{}
			e.Logger = slog.New(logged)
			mws := []echo.MiddlewareFunc{middleware.RequestLogger(), sessionecho.Middleware(si.Manager)}
			if test.after {
				slices.Reverse(mws)
			}
			e.Use(mws...)
			e.GET("/", func(c *echo.Context) error {
				si.counted(t, c)
				if test.down {
					si.store.Lose()
				}
				return c.NoContent(200)
			})
			if w := serve(e, "GET", "/"); w.Code != test.status || !slices.Equal(logged.statuses, []int{test.logged}) {
				t.Errorf("got status %d, and %d in the log, want %d, %d", w.Code, logged.statuses, test.status, test.logged)
			}
		})
	}
}

// TestRequestLoggerAfter: there, with the error handler that it calls, it sees an error of
// a session as the handler returned it. So it belongs before the sessions.
func TestRequestLoggerAfter(t *testing.T) {
	for name, after := range map[string]bool{"Before": false, "After": true} {
		t.Run(name, func(t *testing.T) {
			si, e := newSite(t, nil), newEcho()
			e.HTTPErrorHandler = echo.DefaultHTTPErrorHandler(true)
			e.GET("/known", si.counting(t, hello), sessionecho.Middleware(si.Manager))
			known := cookie(t, serve(e, "GET", "/known"))
			mws := []echo.MiddlewareFunc{middleware.RequestLogger(), sessionecho.Middleware(si.Manager)}
			if after {
				slices.Reverse(mws)
			}
			e.GET("/", func(c *echo.Context) error {
				_, err := si.Get(c.Request().Context())
				return err
			}, mws...)
			si.store.Lose()
			w := serve(e, "GET", "/", "Cookie", known)
			if shown := strings.Contains(w.Body.String(), "192.0.2.7"); shown != after || (w.Code == 500) != after {
				t.Errorf("got status %d, body %q", w.Code, w.Body)
			}
		})
	}
}

// A record keeps the statuses that are logged.
type record struct {
	slog.Handler
	statuses []int
}

func (r *record) Enabled(context.Context, slog.Level) bool { return true }
func (r *record) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *record) Handle(_ context.Context, line slog.Record) error {
	line.Attrs(func(a slog.Attr) bool {
		if a.Key == "status" {
			r.statuses = append(r.statuses, int(a.Value.Int64()))
		}
		return true
	})
	return nil
}
