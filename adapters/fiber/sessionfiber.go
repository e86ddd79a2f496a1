// Package sessionfiber gives the handlers of fiber v3 their sessions.
package sessionfiber

import (
	"unique"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
)

// Options for [Middleware]. A nil *Options and the zero value of each field mean
// the default.
type Options struct {
	// OnError writes the response if the session could not be stored. The
	// handler's response and its error are dropped. The default writes the status
	// of [session.HTTPStatus] and its text.
	//
	// The response then has that status and no body. It has the headers that were
	// set before this middleware, such as those for CORS, and none of the
	// handler's. Cache-Control: no-store and Vary: Cookie are added, and
	// Retry-After if the client may come again. Do not show the error to the
	// client: it may name the store. An error that OnError returns goes to fiber's
	// ErrorHandler, like one of a handler.
	OnError fiber.ErrorHandler
}

// Middleware returns a middleware that gives each request its session. Handlers
// after it get it with manager.Get(c) or manager.Get(c.Context()).
//
// Fiber sends the response when all handlers have returned. So the session is
// stored when the handlers after this middleware have returned, even with an
// error. That error goes on to fiber's ErrorHandler. If the session cannot be
// stored, Options.OnError writes the response.
//
// A handler may return an error of its session. The ErrorHandler then gets a
// [fiber.Error], by errors.As, with the status of [session.HTTPStatus] and its
// text. So the client does not see the reason. errors.Is finds it, and
// errors.Unwrap returns it. The header has no-store, and Retry-After if the
// client may come again. Other errors go on unchanged.
//
// A function that runs later, such as that of SendStreamWriter or Hijack, can use
// a session that a handler got: read it, and keep it alive with Touch. It cannot
// get one that no handler asked for. Once the session is committed, its changes
// return [session.ErrHeadersSent]: use manager.Update.
//
// Middlewares of several managers, with different cookie names, may be nested.
// If the middleware of one manager is installed twice, or runs again after
// RestartRouting, the first does all the work. The recover and cache
// middlewares belong outside of this one: it commits nothing after a panic, and
// the cache must see its headers.
func Middleware(manager session.AnyManager, opts *Options) fiber.Handler {
	var onError fiber.ErrorHandler
	if opts != nil {
		onError = opts.OnError
	}
	reads := session.RequestHeader(manager)
	return func(c fiber.Ctx) error {
		x := &exchange{c: c, reads: reads}
		if !x.begin(manager) {
			return c.Next()
		}
		x.remember()
		defer x.session.Discard() // after a panic, which goes on; otherwise it is over by then
		return x.hide(x.end(c.Next(), onError))
	}
}

// An exchange holds the session's exchange, which becomes c.Context(), and what
// the middleware needs: one allocation, besides the text of the cookies.
//
// Fiber reuses the memory of a request, and its fiber.Ctx. So only c points
// into the request, and c is not used after the exchange is over.
type exchange struct {
	session  session.Exchange
	c        fiber.Ctx
	reads    string    // the name of the header with the token
	lines    [1]string // of that header: few requests have more
	response header    // the session's fields are added to it
	outer    []byte    // the header of the response before the handler: see remember
	plain    bool      // the request came over plain http
	host     string    // of such a request
}

// begin returns false if the request already has an exchange of the manager, as
// after RestartRouting.
func (x *exchange) begin(manager session.AnyManager) bool {
	if !x.session.Begin(x.c.Context(), manager, x.sent()) {
		return false
	}
	x.session.Heed(requestFields{x})
	x.session.Route = x
	x.address()

	// fiber.StoreInContext does not serve: it leaves c.Context() alone unless the
	// application has set Config.PassLocalsToContext.
	x.c.RequestCtx().SetUserValue(x.session.Key(), &x.session)
	x.c.SetContext(&x.session)
	return true
}

// address notes how the request came. It must do so before the handler runs:
// one that has timed out may still use the request when the exchange ends. The
// host is a copy, which all requests to it share.
func (x *exchange) address() {
	header := &x.c.Request().Header
	x.plain = !x.c.RequestCtx().IsTLS()
	for _, name := range []string{fiber.HeaderXForwardedProto, fiber.HeaderForwarded, "x-forwarded-proto", "forwarded"} {
		x.plain = x.plain && len(header.Peek(name)) == 0 // the latter with Config.DisableHeaderNormalizing
	}
	if x.plain {
		x.host = unique.Make(x.c.Host()).Value()
	}
}

// Route returns the method and the pattern of the route, such as "GET
// /items/:id". It is known after fiber has found a handler that is not a
// middleware.
func (x *exchange) Route() string {
	if x.timedOut() || !x.c.Matched() {
		return ""
	}
	route := x.c.Route()
	return route.Method + " " + route.Path
}

// timedOut reports whether the timeout middleware has sent the response. The
// handler may then still be running, and using the fiber.Ctx.
func (x *exchange) timedOut() bool {
	return x.c.IsAbandoned() && x.c.RequestCtx().LastTimeoutErrorResponse() != nil
}
