// Package sessionchi gives the handlers of chi their sessions.
package sessionchi

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gostateful/session/adapters/nethttp"
	"github.com/gostateful/session/core"
)

// Middleware returns a middleware for Use, With, Group and Route of a chi
// router. It does what [nethttp.Middleware] does, which says all about it and
// about onError, of which there is one at most; and events name the route of
// chi that the request takes, with its method, such as "POST /items/{id}".
//
// Events that come before chi has found the route, such as those of a
// middleware that asks for the session, have the part that is known, such as
// "POST /api/*", or none. Around the router, even if it is also in it, no route
// of chi's can be known.
func Middleware(manager session.Engine, onError ...nethttp.ErrorHandler) func(next http.Handler) http.Handler {
	var x session.Exchange
	x.Begin(context.Background(), manager, nil)
	key := x.Key()
	sessions := nethttp.Middleware(manager, onError...)
	return func(next http.Handler) http.Handler {
		first := sessions(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if found := chi.RouteContext(ctx); found != nil {
				x := ctx.Value(key).(*session.Exchange) // as sessions has put it there
				x.Route = &route{ctx: ctx, chi: found}
			}
			next.ServeHTTP(w, r)
		}))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// An Exchange that began around the router lasts longer than the Context
			// of chi, and is left as it is.
			var x session.Exchange
			x.Begin(r.Context(), manager, nil)
			if x.Nested() {
				next.ServeHTTP(w, r)
				return
			}
			first.ServeHTTP(w, r)
		})
	}
}
