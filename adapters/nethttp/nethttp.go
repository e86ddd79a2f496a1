// Package nethttp gives the handlers of net/http their sessions.
package nethttp

import (
	"net/http"

	"github.com/gostateful/session/core"
)

// An ErrorHandler answers a request whose session could not be written, in
// place of the response that the handler was about to begin: w has the headers
// that middlewares outside of this one had set before they called it, such as
// those for CORS, and none that came later, and says no-store to caches. The status
// is that of session.HTTPStatus unless the ErrorHandler writes another. r is the
// request as the handler got it.
type ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

// Middleware returns a middleware that gives each request to next its session
// of the manager: the handler gets it with manager.Get(r.Context()). The
// session is committed before the first byte of the response, by whichever way
// the handler begins it, and when the handler returns without writing.
// If that fails the error handler answers; without one, the status of
// session.HTTPStatus and its text. Give at most one.
//
// What a handler changes after the response has begun is saved when it
// returns. If that fails the connection is cut, by a panic with
// http.ErrAbortHandler, so that the client does not take the response for a
// success; a connection that the handler has hijacked is left to it.
//
// The http.ResponseWriter that next sees can do what the one outside can,
// directly and by http.ResponseController. Middlewares of several managers can
// stand around one another. A middleware that recovers from panics belongs
// outside of this one, which commits nothing after a panic.
func Middleware(manager session.Engine, onError ...ErrorHandler) func(next http.Handler) http.Handler {
	fail := answer
	if len(onError) > 0 && onError[0] != nil {
		fail = onError[0]
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			serve(w, r, next, manager, fail)
		})
	}
}

func serve(w http.ResponseWriter, r *http.Request, next http.Handler, manager session.Engine, fail ErrorHandler) {
	x := &exchange{inner: w, fail: fail}
	x.session.Begin(r.Context(), manager, r.Header["Cookie"])
	if x.session.Nested() {
		next.ServeHTTP(w, r)
		return
	}
	if header := w.Header(); len(header) > 0 {
		x.kept = header.Clone()
	}
	x.session.Route = x
	x.request = r.WithContext(&x.session)

	returned := false
	defer func() {
		if !returned { // a panic, which goes on, or runtime.Goexit
			x.session.Discard()
		}
		if x.err != nil { // trailers can be added until now
			x.restore()
		}
	}()
	next.ServeHTTP(wrap(x), x.request)
	returned = true

	// The server removes the temporary files of a form that it finds in the
	// request that it made, of which the handler got a copy.
	if r.MultipartForm == nil {
		r.MultipartForm = x.request.MultipartForm
	}
	_ = x.commit() // for a handler that wrote nothing, which is a 200
	if err := x.session.Finish(); err != nil && !x.hijacked {
		panic(http.ErrAbortHandler)
	}
}
