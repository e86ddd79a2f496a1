// Package sessionfiber gives the handlers of fiber v3 their sessions.
package sessionfiber

import (
	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
)

// Options for Middleware. Nil, and the zero value of each field, mean the
// default.
type Options struct {
	// OnError answers in place of the handler when its session could not be
	// written; the handler's error is dropped. The default is the status of
	// session.HTTPStatus and its text.
	//
	// When it is called the response has that status, no body, the headers that
	// middlewares before this one had set, such as those for CORS, and none that
	// came later. To them Cache-Control: no-store and Vary: Cookie are added, and
	// Retry-After where that helps.
	// An error that it returns goes on to fiber's ErrorHandler, as one that a
	// handler returns.
	OnError fiber.ErrorHandler
}

// Middleware returns a middleware that gives each request its session of the
// manager: the handlers after it get it with manager.Get(c), or with
// manager.Get(c.Context()). Fiber sends the response when all handlers have
// returned, so the session is committed when those after this middleware have,
// whether or not with an error, which goes on to fiber's ErrorHandler. If the
// commit fails, Options.OnError answers.
//
// A handler may return an error of its session: the ErrorHandler gets one that
// is, by errors.As, a fiber.Error with the status of session.HTTPStatus and its
// text, so that the client does not see the reason. errors.Is finds the reason,
// and errors.Unwrap returns it.
//
// A function that runs later, such as that of SendStreamWriter or Hijack, can
// read a session that the handler captured, and keep it alive with Touch. It
// cannot ask for one that no handler asked for. Its changes return
// session.ErrHeadersSent once the session is committed: use manager.Update.
//
// Middlewares of several managers, with different cookie names, can stand around
// one another. Where that of one manager is there twice, also after
// RestartRouting, the outermost does it all. The recover middleware belongs
// outside of this one, which commits nothing after a panic, and so does the cache
// middleware, which must see this one's headers.
func Middleware(manager session.AnyManager, opts *Options) fiber.Handler {
	var onError fiber.ErrorHandler
	if opts != nil {
		onError = opts.OnError
	}
	return func(c fiber.Ctx) error {
		x := &exchange{c: c}
		if !x.begin(manager) {
			return c.Next()
		}
		x.remember()
		defer x.session.Discard() // after a panic, which goes on; else it is over by then
		return hide(x.end(c.Next(), onError))
	}
}

// An exchange is all that a request costs but for the text of its cookies: its
// session's exchange, which is what c.Context() becomes, and the route.
//
// Fiber uses a request's memory again, and its fiber.Ctx. So nothing here points
// into the request but c, which is not touched once the exchange is over.
type exchange struct {
	session  session.Exchange
	c        fiber.Ctx
	lines    [1]string // of the Cookie header: few requests have more
	response header    // to which the session's fields are added
	outer    []byte    // the header of the response before the handler, as remember keeps it
}

// begin returns false if the request has a session of the manager already, as after
// RestartRouting.
func (x *exchange) begin(manager session.AnyManager) bool {
	header := &x.c.Request().Header
	lines := header.PeekAll(fiber.HeaderCookie)
	if len(lines) == 0 {
		// With Config.DisableHeaderNormalizing that finds "Cookie" alone. Fasthttp's
		// own parser finds "cookie" too, and PeekAll then has what it found.
		header.Cookie("")
		lines = header.PeekAll(fiber.HeaderCookie)
	}
	cookies := x.lines[:0]
	for _, line := range lines {
		cookies = append(cookies, string(line))
	}
	if !x.session.Begin(x.c.Context(), manager, cookies) {
		return false
	}
	x.session.Route = x

	// Not fiber.StoreInContext, which leaves c.Context() alone unless the
	// application has set Config.PassLocalsToContext.
	x.c.RequestCtx().SetUserValue(x.session.Key(), &x.session)
	x.c.SetContext(&x.session)
	return true
}

// Route is the method and the pattern of the route, such as "GET /items/:id",
// once fiber has come to a handler that is not a middleware.
func (x *exchange) Route() string {
	if x.timedOut() || !x.c.Matched() {
		return ""
	}
	route := x.c.Route()
	return route.Method + " " + route.Path
}

// timedOut reports whether the timeout middleware has answered. The handler
// may be running still, and the fiber.Ctx and its response are the handler's.
func (x *exchange) timedOut() bool {
	return x.c.IsAbandoned() && x.c.RequestCtx().LastTimeoutErrorResponse() != nil
}
