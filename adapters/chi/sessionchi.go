// Package sessionchi gives the handlers of chi their sessions.
package sessionchi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

// Middleware returns a middleware for Use, With, Group and Route of a chi
// router. It is [nethttp.Middleware], which says all about it and about the
// options; and events name the route of chi that the request takes, with its
// method, such as "POST /items/{id}".
//
// Events that come before chi has found the route, such as those of a
// middleware that asks for the session, have the part that is known, such as
// "POST /api/*", or none. Around the router, even if it is also in it, no route
// of chi's can be known, only that of net/http.
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

// route reads what chi writes while it looks for the handler, router by router.
//
// chi uses its Context again for another request when its handler returns. The
// session is over by then, unless a middleware between chi's router and the
// session's has left the handler behind, as http.TimeoutHandler does. So chi is
// not asked after the end of the request's context, which comes before the
// return; the session keeps the route that was known.
func route(r *http.Request) string {
	found := chi.RouteContext(r.Context())
	if found == nil {
		return r.Pattern // of net/http, around the router
	}
	if r.Context().Err() != nil {
		return ""
	}
	if pattern := found.RoutePattern(); pattern != "" {
		return found.RouteMethod + " " + pattern
	}
	return ""
}
