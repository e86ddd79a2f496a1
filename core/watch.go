package session

import (
	"context"
	"iter"
	"strings"
	"time"
)

// Watch returns a context that is cancelled when a session ends: by a logout, a
// revocation or its clocks, in this process or another. With it, a stream or a
// socket lives no longer than the session that opened it. Call the CancelFunc when
// you are done. info is what [Manager.Peek], [Manager.Find] or [Manager.List] has
// shown of the session.
//
// context.Cause is [ErrNotFound] if the session has ended, and [ErrSuperseded] if
// it has passed to another subject. It is that of ctx if ctx was first. An end is
// told within a second. While the store is out of reach nothing is told, and
// nothing ends.
//
// Watching does not keep the session alive: [Session.Touch] does. It may go on after
// the response has begun, and after the handler has returned.
//
// All sessions that a process watches are looked at together, about once a second
// and only while somebody watches: see [Watchable].
func (m *Manager[T]) Watch(ctx context.Context, info Info[T]) (context.Context, context.CancelFunc) {
	w := m.follow(ctx, info.ID, info.Subject)
	return w.ctx, func() { w.cancel(context.Canceled) }
}

// Changes goes through the states of a session that is watched: the present one,
// and then each new one, whoever wrote it. States that follow each other quickly
// come as one. So a page can show what another tab, or a job, has changed.
//
// If every is not zero, the last state comes again whenever that time is over. A
// stream that writes it notices that its client has left. What a Touch has moved
// since is not in it.
//
// The last pair has no session, but the error that ended the loop: the cause that
// [Manager.Watch] would have, or [ErrUndecodable]. All that Watch says holds here
// too.
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

	// Versions returns the versions of those of the sessions that are live. It
	// is called with at most 1000 IDs, and takes one statement or one round trip
	// if the backend can.
	Versions(ctx context.Context, ids []ID) (map[ID]uint64, error)
}

// A watcher follows one session, for one call of Watch.
type watcher struct {
	id      ID
	subject string // whose session it is
	ctx     context.Context
	cancel  context.CancelCauseFunc
	changed chan Record // has the newest state, unless Changes has taken it

	// The mutex of the watch guards these.
	version uint64    // that it was told last, or unseen
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
