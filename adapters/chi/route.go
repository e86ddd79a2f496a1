package sessionchi

import (
	"context"
	"strings"

	"github.com/go-chi/chi/v5"
)

// A route reads what chi writes while it looks for the handler, router by
// router. The exchange asks it with a lock held, on the goroutine of whoever calls
// Manager.Get and on that of the middleware.
//
// chi uses its Context again for another request when its handler returns. The
// exchange is over by then, unless a middleware between chi's router and the
// session's has left the handler behind, as http.TimeoutHandler does. So the
// pattern is kept once it is known, and chi is not asked after the end of ctx,
// which comes before the return.
type route struct {
	ctx     context.Context
	chi     *chi.Context
	pattern string
}

func (r *route) Route() string {
	if r.pattern != "" || r.ctx.Err() != nil {
		return r.pattern
	}
	pattern := r.chi.RoutePattern()
	if pattern == "" {
		return ""
	}
	pattern = r.chi.RouteMethod + " " + pattern
	if !strings.HasSuffix(pattern, "*") { // which a router further in may go on from
		r.pattern = pattern
	}
	return pattern
}
