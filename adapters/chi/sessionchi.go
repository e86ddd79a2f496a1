// Package sessionchi gives the handlers of chi their sessions.
package sessionchi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

// Middleware returns a middleware for Use, With, Group and Route of a chi
// router. It is [nethttp.Middleware] with the routes of chi: see there, also
// for the options. Events name the method and chi's pattern, such as "POST
// /items/{id}".
//
// An event may come before chi has found the route, such as when a middleware
// asks for the session. It then has the part that is known, such as "POST
// /api/*", or no route. If the outermost Middleware of a manager is around the
// router, its events have only the pattern of net/http.
func Middleware(manager session.AnyManager, opts *nethttp.Options) func(next http.Handler) http.Handler {
	var o nethttp.Options
	if opts != nil {
		o = *opts
	}
	if o.Route == nil {
		o.Route = route
	}
	return nethttp.Middleware(manager, &o)
}

// route reads the pattern that chi builds while it looks for the handler, router
// by router.
//
// chi reuses its Context for another request after the router has returned. The
// session is over by then, with one exception: a middleware between the router
// and this one, such as http.TimeoutHandler, may have left the handler behind.
// The request's context has ended by then. So route does not ask chi after that
// end, and the session keeps the last known route.
func route(r *http.Request) string {
	found := chi.RouteContext(r.Context())
	if found == nil {
		return r.Pattern // net/http's: this middleware is around the router
	}
	if r.Context().Err() != nil {
		return ""
	}
	if pattern := found.RoutePattern(); pattern != "" {
		return found.RouteMethod + " " + pattern
	}
	return ""
}
