package session

import (
	"context"
	"iter"
	"strings"
	"time"
)

// Watch returns a context that is cancelled when a session ends: by a logout, a
// revocation or its clocks, in this process or another. With it, a stream or a
// socket lives no longer than the session that opened it. Call the CancelFunc
// when you are done. info comes from [Manager.Peek], [Manager.Find] or
// [Manager.List].
//
// context.Cause is [ErrNotFound] if the session has ended, and [ErrSuperseded]
// if it has passed to another subject. If ctx ends first, it is the cause of
// ctx. The context ends within a second of the session. While the store is out
// of reach, it does not end.
//
// Watching does not keep the session alive: [Session.Touch] does. You may go on
// watching after the response has begun, and after the handler has returned.
//
// The Manager looks at all watched sessions together, about once a second, and
// only while somebody watches: see [Watchable].
func (m *Manager[T]) Watch(ctx context.Context, info Info[T]) (context.Context, context.CancelFunc) {
	w := m.follow(ctx, info.ID, info.Subject)
	return w.ctx, func() { w.cancel(context.Canceled) }
}

// Changes iterates over the states of a session: the present one, and then each
// new one, whoever wrote it. So a page can show what another tab, or a job, has
// changed. States that follow each other quickly come as one.
//
// If every is not zero, the last state comes again at that interval. A stream
// that writes it then notices that its client has left. A repeated state does
// not show an expiry that a Touch has moved since.
//
// The last pair has an empty Info and the error that ended the iteration: the
// cause that [Manager.Watch] would have, or [ErrUndecodable]. All else is as
// with Watch.
func (m *Manager[T]) Changes(ctx context.Context, info Info[T], every time.Duration) iter.Seq2[Info[T], error] {
	return func(yield func(Info[T], error) bool) {
		w := m.follow(ctx, info.ID, info.Subject)
		defer w.cancel(context.Canceled)
		var again <-chan time.Time
		if every > 0 {
			ticker := time.NewTicker(every)
			defer ticker.Stop()
			again = ticker.C
		}
		var last *Info[T]
		for {
			select {
			case <-w.ctx.Done():
				yield(Info[T]{}, context.Cause(w.ctx))
				return
			case rec := <-w.changed:
				next, _, err := m.describe(rec)
				if err != nil {
					yield(Info[T]{}, err)
					return
				}
				last = &next
			case <-again:
			}
			if last != nil && !yield(*last, nil) {
				return
			}
		}
	}
}

// A Watchable is a [Store] that can look at many sessions at once, for
// [Manager.Watch]. The sessions of another store are loaded one by one.
type Watchable interface {
	Store

	// Versions returns the versions of the live sessions among ids. It is called
	// with at most 1000 IDs, and takes one statement or one round trip if the
	// backend can.
	Versions(ctx context.Context, ids []ID) (map[ID]uint64, error)
}

// A watcher follows one session, for one call of Watch.
type watcher struct {
	id      ID
	subject string // whose session it is
	ctx     context.Context
	cancel  context.CancelCauseFunc
	changed chan Record // holds the newest state until Changes takes it

	// The mutex of the watch guards these.
	version uint64    // the last one that it was told, or unseen
	ends    time.Time // the end of Lifetime; zero if not known
}

const unseen = ^uint64(0)

// follow starts to watch a session.
func (e *engine) follow(ctx context.Context, id ID, subject string) *watcher {
	w := &watcher{id: id, subject: strings.Clone(subject), version: unseen, changed: make(chan Record, 1)}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	if id.IsZero() {
		w.cancel(errZeroID)
		return w
	}
	e.watch.add(e, w)
	return w
}
