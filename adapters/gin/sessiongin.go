// Package sessiongin gives the handlers of gin their sessions.
package sessiongin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	session "github.com/gostateful/session/core"
)

// Options for [Middleware]. A nil *Options and the zero value of each field mean
// the default.
type Options struct {
	// OnError writes the response if the session could not be stored. The
	// handler's response is dropped. The default writes the status of
	// [session.HTTPStatus] and its text.
	//
	// c is a copy of the handler's context, by [gin.Context.Copy], with a Writer of
	// its own. The response has the headers that were set before this middleware,
	// such as those for CORS, and none of the handler's. Cache-Control: no-store
	// and Vary: Cookie are added, and Retry-After if the client may come again. The
	// status is that of session.HTTPStatus unless OnError writes another. Do not
	// show err to the client: it may name the store.
	OnError func(c *gin.Context, err error)
}

// Middleware returns a middleware that gives each request its session. Handlers
// after it get it with manager.Get(c) or manager.Get(c.Request.Context()). It is
// safe for concurrent use. Events name the method and the route, such as
// "POST /items/:id".
//
// The session is stored before the first byte of the response, whichever method
// of c or c.Writer begins it, or when the handlers after this middleware have
// returned. If that fails, Options.OnError writes the response. After that,
// nothing that a handler or an outer middleware writes to c.Writer is sent.
//
// Changes after the first byte are saved when the handlers have returned. If that
// fails, the connection is cut, so that the client does not take the response for
// a success, and a panic tells the middlewares outside. A connection that a handler
// has taken over is not cut.
//
// [gin.Recovery] belongs before this middleware, as [gin.Default] has it. A handler
// that panics then commits nothing. If it panics when its response has begun, the
// connection is cut here too: gin.Recovery would let the response end as if it
// were whole. Middlewares that compress or hold back the response belong after this
// one, or the connection cannot be cut.
//
// When this middleware returns, an error of a session in c.Errors has only the
// text of its status. errors.Is still finds the reason. So a middleware outside
// that shows c.Errors tells the client nothing of the store. If the response
// has not begun, its header has no-store, and Retry-After if the client may
// come again.
//
// Middlewares of several managers, with different cookie names, may be nested.
// If the middleware of one manager is installed twice, or runs again after
// [gin.Engine.HandleContext], the first does all the work. HandleContext takes
// away the writer of every middleware. So if it leads to a route without this
// middleware, and it is too late to send the cookie, the connection is cut and
// a panic says so.
func Middleware(manager session.AnyManager, opts *Options) gin.HandlerFunc {
	onError := answer
	if opts != nil && opts.OnError != nil {
		onError = opts.OnError
	}
	reads := session.RequestHeader(manager)
	return func(c *gin.Context) {
		x := &exchange{ResponseWriter: c.Writer, c: c, outer: c.Request, path: c.FullPath(), onError: onError}
		if !x.session.Begin(c.Request.Context(), manager, c.Request.Header[reads]) {
			again(c, x.session.Key())
			return
		}
		x.serve()
	}
}

// answer is the default of Options.OnError.
func answer(c *gin.Context, err error) {
	status := session.HTTPStatus(err)
	c.String(status, "%s", http.StatusText(status))
}

// serve calls the handlers after the middleware.
func (x *exchange) serve() {
	c := x.c
	if header := x.Header(); len(header) > 0 {
		x.kept = header.Clone()
	}
	x.session.Heed(x.outer.Header)
	x.session.Route = x
	c.Set(x.session.Key(), &x.session) // for Get(c), and Get of a copy of c
	x.request = *x.outer.WithContext(&x.session)
	c.Request = &x.request
	c.Writer = x
	if x.Written() { // by a middleware outside
		_ = x.commit(false)
	}

	returned := false
	defer func() {
		if !returned { // a panic, which goes on, or a runtime.Goexit
			x.session.Discard()
			x.cut()
		}
		x.leave()
	}()
	c.Next()
	_ = x.commit(false) // for handlers that wrote nothing: gin sends their status later
	x.hide(c.Errors)
	if err := x.session.Finish(); err != nil && !x.hijacked {
		panic(errLate)
	}
	returned = true
}

// leave restores what serve has replaced. If a middleware inside, such as one
// for compression, has left its own writer, that stays: what gin still sends
// goes through it, and then through this one. If that middleware has left a
// handler behind, such as one that has timed out, the handler still uses c.
//
// After a failed commit this writer stays. The answer is complete, and a middleware
// outside must not add to it.
func (x *exchange) leave() {
	inner := x.c.Request
	// The server removes the temporary files of the form, and middlewares outside of
	// gin may read it.
	x.outer.Form, x.outer.PostForm, x.outer.MultipartForm = inner.Form, inner.PostForm, inner.MultipartForm
	switch {
	case x.err != nil:
		x.restore() // the handlers may have added trailers since
	case x.c.Writer == gin.ResponseWriter(x):
		x.c.Writer, x.c.Request = x.ResponseWriter, x.outer
	}
}

// again calls the handlers after a middleware that is installed twice.
//
// If HandleContext is the cause, gin has taken away the writer and the keys.
// The exchange's writer then wraps the present one, of gin or of a middleware
// that has run again. HandleContext sends the header when these handlers have
// returned, so again commits before that.
func again(c *gin.Context, key any) {
	if _, known := c.Get(key); known {
		c.Next()
		return
	}
	first, _ := c.Request.Context().Value(key).(*session.Exchange)
	c.Set(key, first)
	x, ok := first.Route.(*exchange)
	if !ok || x.c != c { // the first is around another router, which writes to its writer
		c.Next()
		return
	}
	before := x.ResponseWriter
	x.ResponseWriter, c.Writer = c.Writer, x
	defer func() {
		if c.Writer == gin.ResponseWriter(x) && x.err == nil {
			c.Writer = x.ResponseWriter
		}
		x.ResponseWriter = before
	}()
	c.Next()
	_ = x.commit(false)
}
