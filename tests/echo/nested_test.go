package sessionecho_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
)

// TestTwoManagers: each has its session, and if one cannot be stored the client gets no
// cookie of that one and nothing of the handler's.
func TestTwoManagers(t *testing.T) {
	admins := newSite(t, &session.Options{Cookie: session.Cookie{Name: "admin"}})
	shop := newSite(t, nil)
	e := newEcho()
	e.Use(sessionecho.Middleware(admins.Manager))
	e.Group("", sessionecho.Middleware(shop.Manager)).GET("/shop", func(c *echo.Context) error {
		admins.counted(t, c)
		shop.counted(t, c)
		if c.QueryParam("lost") == "shop" {
			shop.store.Lose()
		}
		return hello(c)
	})
	if w := serve(e, "GET", "/shop"); w.Code != 200 || len(w.Result().Cookies()) != 2 {
		t.Errorf("got status %d, cookies %v, want 200 and two", w.Code, w.Result().Cookies())
	}
	w := serve(e, "GET", "/shop?lost=shop") // and the session of admins is stored, as with any error of a handler
	if cookies := w.Result().Cookies(); w.Code != 503 || len(cookies) != 1 || cookies[0].Name != "admin" {
		t.Errorf("got status %d, cookies %v, want 503, and the cookie of the one that was stored", w.Code, cookies)
	}
}

// TestOuterFails: the error response of the outer manager has no cookie of the inner
// one, whose header is part of the handler's.
func TestOuterFails(t *testing.T) {
	admins := newSite(t, &session.Options{Cookie: session.Cookie{Name: "admin"}})
	shop := newSite(t, nil)
	e := newEcho()
	e.Use(sessionecho.Middleware(admins.Manager), sessionecho.Middleware(shop.Manager))
	e.GET("/", func(c *echo.Context) error {
		admins.counted(t, c)
		shop.counted(t, c)
		admins.store.Lose()
		return hello(c)
	})
	wantsFailure(t, serve(e, "GET", "/"))
}

// TestTwoManagersReturnedError: both middlewares pass on the error of one session, with the
// status and the message that the handler chose.
func TestTwoManagersReturnedError(t *testing.T) {
	admins := newSite(t, &session.Options{Cookie: session.Cookie{Name: "admin"}})
	shop := newSite(t, nil)
	e := newEcho()
	var seen error
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		seen = err
		echo.DefaultHTTPErrorHandler(true)(c, err)
	}
	e.Use(sessionecho.Middleware(admins.Manager), sessionecho.Middleware(shop.Manager))
	e.GET("/", func(*echo.Context) error { return echo.NewHTTPError(502, "no cart").Wrap(session.ErrUnavailable) })
	w := serve(e, "GET", "/")
	if got := w.Body.String(); w.Code != 502 || !strings.Contains(got, `"no cart"`) || strings.Contains(got, "session: ") || !errors.Is(seen, session.ErrUnavailable) {
		t.Errorf("got status %d, body %q, and the error %v, want 502, no cart, and ErrUnavailable wrapped", w.Code, got, seen)
	}
}

// TestTwice: where the middleware of one manager is there twice, the first does all.
func TestTwice(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	sessions := sessionecho.Middleware(si.Manager)
	e.Use(sessions)
	e.Group("/shop", sessions).GET("", si.counting(t, hello), sessions)
	w := serve(e, "GET", "/shop")
	if cookie(t, w); len(w.Result().Cookies()) != 1 || si.store.Len() != 1 {
		t.Errorf("got the cookies %v and %d sessions, want one", w.Result().Cookies(), si.store.Len())
	}
}

// TestNaive: a middleware of one's own that gives the handler the request, and leaves the
// response as it is, commits too late. The cookie of a login never arrives.
func TestNaive(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.Use(naive(si.Manager))
	e.GET("/", si.counting(t, hello))
	w := serve(e, "GET", "/")
	if len(w.Result().Cookies()) != 0 {
		t.Errorf("got the cookies %v, want none: then the documentation is to say that this works", w.Result().Cookies())
	}
	e = newEcho()
	e.Use(sessionecho.Middleware(si.Manager), naive(si.Manager))
	e.GET("/", si.counting(t, hello))
	cookie(t, serve(e, "GET", "/")) // inside of the real one it does nothing, and so no harm
}

// naive is what one might write after a look at the contract.
func naive(m session.AnyManager) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			x := new(session.Exchange)
			if !x.Begin(c.Request().Context(), m, c.Request().Header[session.RequestHeader(m)]) {
				return next(c)
			}
			defer x.Discard()
			c.SetRequest(c.Request().WithContext(x))
			err := next(c)
			added, failure := x.Commit(session.Response{Header: c.Response().Header()})
			added.AddTo(c.Response().Header())
			if failure != nil {
				return echo.NewHTTPError(session.HTTPStatus(failure), http.StatusText(session.HTTPStatus(failure)))
			}
			return err
		}
	}
}
