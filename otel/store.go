package sessionotel

import (
	"context"
	"iter"
	"time"

	session "github.com/gostateful/session/core"
)

// Store returns a store that measures each call of s. It makes a span of a call
// if the context has a span. A look at watched sessions, for example, belongs
// to no request and makes no span. The store is a [session.Iterable] or a
// [session.Watchable] if s is. Call methods that only s has, such as one that
// sweeps, on s.
func (t *Telemetry) Store(s session.Store) session.Store {
	// The type of a store shows what it can do, so each combination has a type of
	// its own.
	all, iterable := s.(session.Iterable)
	many, watchable := s.(session.Watchable)
	switch c := (calls{t, s}); {
	case iterable && watchable:
		return struct {
			calls
			iteration
			look
		}{c, iteration{t, all}, look{t, many}}
	case iterable:
		return struct {
			calls
			iteration
		}{c, iteration{t, all}}
	case watchable:
		return struct {
			calls
			look
		}{c, look{t, many}}
	default:
		return c
	}
}

// calls has the methods of each store.
type calls struct {
	t     *Telemetry
	store session.Store
}

func (c calls) Load(ctx context.Context, id session.ID) (session.Record, error) {
	ctx, call := c.t.begin(ctx, load)
	rec, err := c.store.Load(ctx, id)
	call.end(err)
	return rec, err
}

func (c calls) Create(ctx context.Context, r session.Record) error {
	ctx, call := c.t.begin(ctx, create)
	err := c.store.Create(ctx, r)
	call.end(err)
	return err
}

func (c calls) Update(ctx context.Context, r session.Record) error {
	ctx, call := c.t.begin(ctx, update)
	err := c.store.Update(ctx, r)
	call.end(err)
	return err
}

func (c calls) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	ctx, call := c.t.begin(ctx, touch)
	err := c.store.Touch(ctx, id, expiresAt)
	call.end(err)
	return err
}

func (c calls) Delete(ctx context.Context, id session.ID) error {
	ctx, call := c.t.begin(ctx, remove)
	err := c.store.Delete(ctx, id)
	call.end(err)
	return err
}

func (c calls) List(ctx context.Context, subject string) ([]session.Record, error) {
	ctx, call := c.t.begin(ctx, list)
	records, err := c.store.List(ctx, subject)
	call.end(err)
	return records, err
}

func (c calls) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	ctx, call := c.t.begin(ctx, removeAll)
	n, err := c.store.DeleteAll(ctx, subject, except...)
	call.end(err)
	return n, err
}

// iteration has the method of a session.Iterable.
type iteration struct {
	t        *Telemetry
	iterable session.Iterable
}

// All measures the time in the store, without the time of the loop's body.
func (i iteration) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		ctx, call := i.t.begin(ctx, all)
		if call.idle() {
			i.iterable.All(ctx)(yield)
			return
		}
		var failure error
		defer func() { call.end(failure) }()
		for rec, err := range i.iterable.All(ctx) {
			failure = err
			paused := time.Now()
			more := yield(rec, err)
			call.started = call.started.Add(time.Since(paused))
			if !more {
				return
			}
		}
	}
}

// look has the method of a session.Watchable.
type look struct {
	t         *Telemetry
	watchable session.Watchable
}

func (l look) Versions(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
	ctx, call := l.t.begin(ctx, versions)
	found, err := l.watchable.Versions(ctx, ids)
	call.end(err)
	return found, err
}
