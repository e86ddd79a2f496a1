// Package nethttp gives the handlers of net/http their sessions. Wrap them in
// [Middleware].
package nethttp

import (
	"net/http"
	"strings"

	session "github.com/gostateful/session/core"
)

// Options for [Middleware]. A nil *Options and the zero value of each field mean
// the default.
type Options struct {
	// OnError writes the response if the session could not be stored. The
	// handler's response is dropped. The default writes the status of
	// [session.HTTPStatus] and its text.
	//
	// w has the headers that were set before this middleware, such as those for
	// CORS, and none of the handler's. Cache-Control: no-store and Vary: Cookie
	// are added, and Retry-After if the client may come again. The status is that
	// of session.HTTPStatus unless OnError writes another. r is the request as
	// the handler got it. Do not show err to the client: it may name the store.
	OnError func(w http.ResponseWriter, r *http.Request, err error)

	// Route returns the pattern of a request's route, such as "GET /items/{id}",
	// or "" while it is not known. It is for adapters of other routers. The
	// default is r.Pattern, which [http.ServeMux] sets if no middleware in
	// between has replaced the request.
	Route func(r *http.Request) string
}

// Middleware returns a middleware that gives each request its session. The
// handler gets it with manager.Get(r.Context()). It is safe for concurrent use.
//
// The session is stored before the first byte of the response, whichever method
// begins it, or when the handler returns without writing. If that fails,
// Options.OnError writes the response.
//
// Changes after the first byte are saved when the handler returns. If that fails,
// a panic with [http.ErrAbortHandler] cuts the connection, so that the client does
// not take the response for a success. A hijacked connection is not cut.
//
// The handler's http.ResponseWriter can do what the outer one can, directly and
// by [http.ResponseController]. Middlewares of several managers, with different
// cookie names, may be nested. A middleware that recovers from panics belongs
// outside of this one, because this one commits nothing after a panic.
//
// A handler that hijacks the connection finds the cookie of a login in the
// writer's Header, and may send it. A renewal by session.Options.RenewEvery waits
// for another request.
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
	reads := session.RequestHeader(manager)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			serve(w, r, next, manager, reads, &o)
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

func serve(w http.ResponseWriter, r *http.Request, next http.Handler, manager session.AnyManager, reads string, opts *Options) {
	x := &exchange{inner: w, outer: r, opts: opts}
	if !x.session.Begin(r.Context(), manager, r.Header[reads]) {
		next.ServeHTTP(w, r)
		return
	}
	if header := w.Header(); len(header) > 0 {
		x.kept = header.Clone()
	}
	x.session.Heed(r.Header)
	x.session.Route = x
	x.request = *r.WithContext(&x.session)

	returned := false
	defer func() {
		x.handBack()
		if !returned { // a panic, which goes on, or runtime.Goexit
			x.session.Discard()
		}
		if x.err != nil { // the handler may have added trailers since
			x.restore()
		}
	}()
	next.ServeHTTP(wrap(x), &x.request)
	returned = true
	_ = x.commit(false) // for a handler that wrote nothing: a 200
	if err := x.session.Finish(); err != nil && !x.hijacked {
		panic(http.ErrAbortHandler)
	}
}

// handBack copies what was added to the handler's copy of the request. The server
// removes the temporary files of the form, and middlewares outside read the form, the
// pattern, and its path values.
func (x *exchange) handBack() {
	from, to := &x.request, x.outer
	to.Form, to.PostForm, to.MultipartForm = from.Form, from.PostForm, from.MultipartForm
	to.Pattern = from.Pattern
	rest, found := from.Pattern, true
	for {
		if _, rest, found = strings.Cut(rest, "{"); !found {
			return
		}
		wildcard := rest[:max(0, strings.IndexAny(rest, ":.}"))] // {name}, {name...}, and {name:regexp} of other routers
		if value := from.PathValue(wildcard); value != to.PathValue(wildcard) {
			to.SetPathValue(wildcard, value)
		}
	}
}
