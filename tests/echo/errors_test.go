package sessionecho_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
)

// handlers are the ways in which applications answer errors.
var handlers = map[string]echo.HTTPErrorHandler{
	"Default": echo.DefaultHTTPErrorHandler(false),
	"Exposes": echo.DefaultHTTPErrorHandler(true),
	"Committed": func(c *echo.Context, err error) {
		if r, _ := echo.UnwrapResponse(c.Response()); r != nil && r.Committed {
			return
		}
		_ = c.String(max(echo.StatusCode(err), 400), "sorry")
	},
	"Text": func(c *echo.Context, err error) { _ = c.String(max(echo.StatusCode(err), 400), err.Error()) },
	"As": func(c *echo.Context, err error) {
		shown, ok := errors.AsType[*echo.HTTPError](err)
		if !ok {
			shown = echo.NewHTTPError(500, "unknown")
		}
		_ = c.String(shown.Code, shown.Message)
	},
	"Asserts": func(c *echo.Context, err error) {
		shown, ok := err.(*echo.HTTPError)
		if !ok {
			shown = echo.NewHTTPError(500, "unknown")
		}
		_ = c.String(shown.Code, shown.Message)
	},
}

// TestErrorHandlers: whichever way an application answers errors, that of a session
// has its status, and shows no client the address of the store.
func TestErrorHandlers(t *testing.T) {
	for name, handler := range handlers {
		for failure, h := range map[string]func(si site) echo.HandlerFunc{
			"Get": func(si site) echo.HandlerFunc {
				return func(c *echo.Context) error {
					si.store.Lose()
					_, err := si.Get(c.Request().Context())
					return err
				}
			},
			"Wrapped": func(si site) echo.HandlerFunc {
				return func(c *echo.Context) error {
					si.store.Lose()
					_, err := si.Get(c.Request().Context())
					return fmt.Errorf("no cart: %w", err)
				}
			},
			"WithoutStatus": func(si site) echo.HandlerFunc {
				return func(c *echo.Context) error {
					si.store.Lose()
					_, err := si.Get(c.Request().Context())
					return echo.ErrServiceUnavailable.Wrap(err)
				}
			},
			"Flattened": func(si site) echo.HandlerFunc {
				return func(c *echo.Context) error {
					si.store.Lose()
					_, err := si.Get(c.Request().Context())
					return echo.NewHTTPError(503, "no cart: "+err.Error())
				}
			},
			"Commit": func(si site) echo.HandlerFunc {
				return func(c *echo.Context) error {
					s := si.counted(t, c)
					si.store.Lose()
					return s.Commit(c.Request().Context())
				}
			},
			"Response": func(si site) echo.HandlerFunc {
				return func(c *echo.Context) error {
					si.counted(t, c)
					si.store.Lose()
					return hello(c)
				}
			},
		} {
			t.Run(name+"/"+failure, func(t *testing.T) {
				si, e := newSite(t, nil), newEcho()
				var seen error
				e.HTTPErrorHandler = func(c *echo.Context, err error) {
					seen = err
					handler(c, err)
				}
				e.Use(sessionecho.Middleware(si.Manager))
				known := cookie(t, func() *httptest.ResponseRecorder {
					e.GET("/known", si.counting(t, hello))
					return serve(e, "GET", "/known")
				}())
				e.GET("/", h(si))
				w := serve(e, "GET", "/", "Cookie", known)
				if body := w.Body.String(); w.Code != 503 || strings.Contains(body, "192.0.2.7") || strings.Contains(body, "session: ") || strings.Contains(body, "hello") {
					t.Errorf("got status %d, body %q, want 503, and nothing of the reason", w.Code, body)
				}
				if w.Header().Get("Retry-After") != "1" || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("got the header %v, want Retry-After: 1, and no-store", w.Header())
				}
				if failure != "Flattened" && !errors.Is(seen, session.ErrUnavailable) {
					t.Errorf("the error handler got %v, want one that wraps ErrUnavailable", seen)
				}
			})
		}
	}
}

// TestChosenError: the status and the message that the application gave to an error of
// a session stay, and so does an error that says itself what to send.
func TestChosenError(t *testing.T) {
	for name, test := range map[string]struct {
		err    func(err error) error
		status int
		body   string
	}{
		"HTTPError": {func(err error) error { return echo.NewHTTPError(502, "no cart").Wrap(err) }, 502, `{"message":"no cart"}`},
		"Around":    {func(err error) error { return fmt.Errorf("cart: %w", echo.NewHTTPError(502, "no cart").Wrap(err)) }, 502, `{"message":"no cart"}`},
		"Own":       {func(err error) error { return ownError{err} }, 418, `"short"`},
	} {
		t.Run(name, func(t *testing.T) {
			si, e := newSite(t, nil), newEcho()
			e.Use(sessionecho.Middleware(si.Manager))
			e.GET("/", func(*echo.Context) error { return test.err(session.ErrUnavailable) })
			w := serve(e, "GET", "/")
			if w.Code != test.status || strings.TrimSpace(w.Body.String()) != test.body || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got status %d, body %q, header %v, want %d, %s, no-store", w.Code, w.Body, w.Header(), test.status, test.body)
			}
		})
	}
}

// An ownError says what to send.
type ownError struct{ error }

func (e ownError) Unwrap() error                { return e.error }
func (e ownError) StatusCode() int              { return 418 }
func (e ownError) MarshalJSON() ([]byte, error) { return []byte(`"short"`), nil }

// TestErrors: an error that a handler returns becomes a response after all middleware,
// and that one carries the cookie.
func TestErrors(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.Use(sessionecho.Middleware(si.Manager))
	e.GET("/", si.counting(t, func(*echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "short and stout") }))
	w := serve(e, "GET", "/")
	if cookie(t, w); w.Code != 418 || w.Header().Get("Cache-Control") != "no-store" || si.store.Len() != 1 {
		t.Errorf("got status %d, header %v and %d sessions, want 418, no-store and the session kept", w.Code, w.Header(), si.store.Len())
	}
}

// TestErrorHandlerReads: an error handler may read the session that the handler had, and
// cannot change it.
func TestErrorHandlerReads(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.HTTPErrorHandler = func(c *echo.Context, _ error) {
		s, err := si.Get(c.Request().Context())
		if err != nil {
			t.Error(err)
			return
		}
		if err := s.Update(count); !errors.Is(err, session.ErrHeadersSent) {
			t.Errorf("Update: got the error %v, want ErrHeadersSent", err)
		}
		_ = c.String(500, fmt.Sprint("sorry, visitor ", s.Data().N))
	}
	e.Use(sessionecho.Middleware(si.Manager))
	e.GET("/", si.counting(t, func(*echo.Context) error { return errors.New("out of bread") }))
	if w := serve(e, "GET", "/"); w.Code != 500 || w.Body.String() != "sorry, visitor 1" {
		t.Errorf("got status %d, body %q, want 500, sorry, visitor 1", w.Code, w.Body)
	}
}

// TestMissing: echo's handlers for 404 and 405, and an application's, have sessions.
func TestMissing(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.Use(sessionecho.Middleware(si.Manager), func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			si.counted(t, c)
			return next(c)
		}
	})
	e.POST("/items", hello)
	e.RouteNotFound("/own/*", func(c *echo.Context) error { return c.String(404, "nothing here") })
	for target, status := range map[string]int{"/none": 404, "/own/none": 404, "/items": 405} {
		w := serve(e, "GET", target)
		if cookie(t, w); w.Code != status {
			t.Errorf("%s: got status %d, want %d", target, w.Code, status)
		}
	}
	si.store.Lose()
	for _, target := range []string{"/none", "/own/none", "/items"} {
		w := serve(e, "GET", target)
		wantsFailure(t, w)
		if got := w.Header().Get("Allow"); got != "" {
			t.Errorf("%s: the error response has the handler's Allow: %s", target, got)
		}
	}
}
