// Package nethttp gives the handlers of net/http their sessions.
package nethttp

import (
	"net/http"

	session "github.com/gostateful/session/core"
)

// Options for Middleware. Nil, and the zero value of each field, mean the
// default.
type Options struct {
	// OnError answers a request whose session could not be written, in place of
	// the response that the handler was about to begin. The default is the
	// status of session.HTTPStatus and its text.
	//
	// w has the headers that middlewares outside of this one set before they
	// called it, such as those for CORS, and none that came later. To them
	// Cache-Control: no-store and Vary: Cookie are added, and Retry-After where
	// that helps. The status is that of session.HTTPStatus unless OnError writes
	// another. r is the request as the handler got it. Do not show err to the
	// client: its text may hold the address of a store.
	OnError func(w http.ResponseWriter, r *http.Request, err error)

	// Route returns the pattern of the route that a request takes, such as
	// "GET /items/{id}", or "" while it is not known. It is for adapters of
	// other routers. The default is that of http.ServeMux, if it got the very
	// request that the middleware made.
	Route func(r *http.Request) string
}

// Middleware returns a middleware that gives each request to next its session
// of the manager: the handler gets it with manager.Get(r.Context()). The
// session is committed before the first byte of the response, by whichever way
// the handler begins it, and when the handler returns without writing. If that
// fails, Options.OnError answers.
//
// What a handler changes after the response has begun is saved when it
// returns. If that fails the connection is cut, by a panic with
// http.ErrAbortHandler, so that the client does not take the response for a
// success; a connection that the handler has hijacked is left to it.
//
// The http.ResponseWriter that next sees can do what the one outside can,
// directly and by http.ResponseController. Middlewares of several managers, with
// different cookie names, can stand around one another. A middleware that
// recovers from panics belongs outside of this one, which commits nothing after a
// panic.
//
// A handler that hijacks the connection finds the cookie of a login in the
// writer's Header, and may send it. A renewal that only time asks for waits for
// another request.
func Middleware(manager session.AnyManager, opts *Options) func(next http.Handler) http.Handler {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.OnError == nil {
		o.OnError = answer
	}
	if o.Route == nil {
		o.Route = pattern
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			serve(w, r, next, manager, &o)
		})
	}
}

// answer is the default of Options.OnError.
func answer(w http.ResponseWriter, _ *http.Request, err error) {
	status := session.HTTPStatus(err)
	http.Error(w, http.StatusText(status), status)
}

// pattern is the default of Options.Route.
func pattern(r *http.Request) string { return r.Pattern }

func serve(w http.ResponseWriter, r *http.Request, next http.Handler, manager session.AnyManager, opts *Options) {
	x := &exchange{inner: w, opts: opts}
	if !x.session.Begin(r.Context(), manager, r.Header["Cookie"]) {
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
		x.handBack(r)
		if !returned { // a panic, which goes on, or runtime.Goexit
			x.session.Discard()
		}
		if x.err != nil { // trailers can be added until now
			x.restore()
		}
	}()
	next.ServeHTTP(wrap(x), x.request)
	returned = true
	_ = x.commit(false) // for a handler that wrote nothing, which is a 200
	if err := x.session.Finish(); err != nil && !x.hijacked {
		panic(http.ErrAbortHandler)
	}
}

// handBack copies what a router and a form added to the handler's copy of the
// request, as if there were no copy: the server removes the temporary files of a
// form, and middlewares outside read the form and the pattern.
func (x *exchange) handBack(r *http.Request) {
	r.Form, r.PostForm, r.MultipartForm = x.request.Form, x.request.PostForm, x.request.MultipartForm
	r.Pattern = x.request.Pattern
}
