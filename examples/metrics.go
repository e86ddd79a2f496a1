package main

import (
	"context"

	session "github.com/gostateful/session/core"
)

// A telemetry records what happens to the sessions, and what their store does.
type telemetry interface {
	Store(session.Store) session.Store
	Observe(context.Context, session.Event)
}

// both is an Observer that tells two.
func both(first, second func(context.Context, session.Event)) func(context.Context, session.Event) {
	return func(ctx context.Context, e session.Event) {
		first(ctx, e)
		second(ctx, e)
	}
}
