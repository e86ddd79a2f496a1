// Package sessionecho gives the handlers of echo v5 their sessions.
package sessionecho

import (
	"maps"
	"net/http"

	"github.com/labstack/echo/v5"

	session "github.com/gostateful/session/core"
)

// Middleware returns a middleware for Use, Pre, Group and single routes. It
// gives each request its session. Handlers get it with
// manager.Get(c.Request().Context()), because an echo.Context is not a
// context.Context. It is safe for concurrent use.
//
// The session is stored before the first byte of the response, or when the handler
// returns without writing, even with an error. If it cannot be stored, nothing of
// the handler's response is sent. The middleware returns an error, and echo's
// HTTPErrorHandler answers it like any other.
//
// That error, and any error of a session that a handler returns, becomes an
// [echo.HTTPError] with the status of [session.HTTPStatus] and its text, unless
// the handler chose another status. Its text does not tell the reason, which
// may name the store. errors.Is finds the reason. The header has no-store, and
// Retry-After if the client may come again.
//
// Changes after the first byte are saved when the handler returns. If that fails, a
// panic with [http.ErrAbortHandler] cuts the connection, so that the client does not
// take the response for a success. A hijacked connection is not cut.
//
// Middlewares of several managers, with different cookie names, may be nested.
// A middleware that recovers from panics belongs outside of this one, because
// this one commits nothing after a panic. A middleware that calls the
// HTTPErrorHandler itself belongs outside too.
func Middleware(manager session.AnyManager) echo.MiddlewareFunc {
	reads := session.RequestHeader(manager)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			x := &exchange{c: c, inner: c.Response(), outer: c.Request()}
			if !x.session.Begin(x.outer.Context(), manager, x.outer.Header[reads]) {
				return next(c)
			}
			return x.serve(next)
		}
	}
}

// An exchange is the writer of the handler's response. It holds that response,
// the handler's request, and the session's exchange, which is the handler's
// context: one allocation for all of them.
type exchange struct {
	session   session.Exchange
	response  echo.Response // the handler's
	c         *echo.Context
	inner     http.ResponseWriter // the response outside
	outer     *http.Request       // the request outside
	request   http.Request        // the handler's copy of it
	kept      http.Header         // the header before the handler
	added     session.Header
	committed bool
	hijacked  bool
	err       error // of the commit: nothing of the handler's response is sent
}

// serve calls the handler with a response of its own. So the response's Before
// hooks run ahead of the commit, and not again for the error response of a
// failed commit. The response outside, which loggers and the HTTPErrorHandler
// use, sees only what is sent.
func (x *exchange) serve(next echo.HandlerFunc) error {
	if header := x.inner.Header(); len(header) > 0 {
		x.kept = header.Clone()
	}
	x.session.Heed(x.outer.Header)
	x.session.Route = x
	x.response = *echo.NewResponse(x, x.c.Logger())
	x.c.SetResponse(&x.response)
	x.request = *x.outer.WithContext(&x.session)
	x.c.SetRequest(&x.request)
	defer x.leave()
	err := next(x.c)
	if x.commit(false) != nil {
		err = x.err
	} else if x.session.Finish() != nil && !x.hijacked {
		panic(http.ErrAbortHandler)
	}
	return hide(err, x.inner.Header())
}

// leave restores the state before the handler, also after a panic. The request
// stays the handler's, because an HTTPErrorHandler may read the session.
func (x *exchange) leave() {
	x.session.Discard() // after a panic; otherwise the exchange is over by now
	x.c.SetResponse(x.inner)
	x.handBack()
	if x.err != nil {
		header := x.inner.Header()
		clear(header)
		maps.Copy(header, x.kept)
		x.added.AddTo(header)
	}
}

// handBack copies what was added to the handler's copy of the request. The server
// removes the temporary files of the form, and middlewares outside read the form, the
// pattern, and its path values.
func (x *exchange) handBack() {
	from, to := x.c.Request(), x.outer
	to.Form, to.PostForm, to.MultipartForm = from.Form, from.PostForm, from.MultipartForm
	to.Pattern = from.Pattern
	for _, p := range x.c.PathValues() { // echo sets them for the handlers of net/http
		if value := from.PathValue(p.Name); value != to.PathValue(p.Name) {
			to.SetPathValue(p.Name, value)
		}
	}
}

// Route returns the method and the pattern of the route, such as "GET
// /items/:id". For a route of any method it returns only the pattern, because
// clients invent methods.
func (x *exchange) Route() string {
	switch method := x.c.RouteInfo().Method; method {
	case "": // not known yet, or there is none
		return ""
	case echo.RouteAny, echo.RouteNotFound:
		return x.c.Path()
	default:
		return method + " " + x.c.Path()
	}
}
