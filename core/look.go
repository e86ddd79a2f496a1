package session

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// watchPage is the largest number of IDs in one call of Versions.
const watchPage = 1000

// watchPause is the time between two looks. It leaves time for the look itself,
// so that an end is told within a second. A session that this process has
// written is looked at sooner, but not more than once in a watchBreath: one
// that is written all the time must not be looked at as often.
const (
	watchPause  = 900 * time.Millisecond
	watchBreath = 50 * time.Millisecond
)

// A watch holds all watchers of an engine. While there is one, a goroutine
// looks at their sessions.
type watch struct {
	anybody atomic.Bool // somebody watches; writers check this first

	mu       sync.Mutex // guards the fields below
	watchers map[ID][]*watcher
	due      map[ID]bool   // sessions to look at soon
	wake     chan struct{} // says that there are due ones
	stop     context.CancelFunc
}

// add adds a watcher until its context is done.
func (all *watch) add(e *engine, w *watcher) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.watchers == nil {
		all.watchers, all.due, all.wake = map[ID][]*watcher{}, map[ID]bool{}, make(chan struct{}, 1)
	}
	all.watchers[w.id] = append(all.watchers[w.id], w)
	all.anybody.Store(true)
	if all.stop == nil {
		var ctx context.Context
		ctx, all.stop = context.WithCancel(context.Background())
		go e.keepLooking(ctx)
	}
	all.hurry(w.id)
	context.AfterFunc(w.ctx, func() { all.remove(w) })
}

func (all *watch) remove(w *watcher) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if rest := without(all.watchers[w.id], w); len(rest) > 0 {
		all.watchers[w.id] = rest
		return
	}
	delete(all.watchers, w.id)
	if len(all.watchers) == 0 {
		all.anybody.Store(false)
		all.stop()
		all.stop = nil
		clear(all.due)
	}
}

// without returns the others in a new slice: of may be in use.
func without(of []*watcher, w *watcher) (rest []*watcher) {
	for _, other := range of {
		if other != w {
			rest = append(rest, other)
		}
	}
	return rest
}

// hurry asks for a look at a session soon. The caller holds mu.
func (all *watch) hurry(id ID) {
	all.due[id] = true
	select {
	case all.wake <- struct{}{}:
	default:
	}
}

// wrote tells the watchers that this process has written a session.
func (all *watch) wrote(id ID) {
	if !all.anybody.Load() {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.watchers[id]) > 0 {
		all.hurry(id)
	}
}

// ended tells the watchers that this process has ended sessions of a subject.
func (all *watch) ended(subject string) {
	if !all.anybody.Load() {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	for id, watchers := range all.watchers {
		if watchers[0].subject == subject {
			all.hurry(id)
		}
	}
}

// keepLooking looks at the sessions until ctx is done.
func (e *engine) keepLooking(ctx context.Context) {
	tick := time.NewTicker(watchPause)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			e.look(ctx, e.watch.ids())
		case <-e.watch.wake:
			e.look(ctx, e.watch.takeDue())
			breathe(ctx, watchBreath)
		}
	}
}

func breathe(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// ids returns all sessions that are watched.
func (all *watch) ids() []ID {
	all.mu.Lock()
	defer all.mu.Unlock()
	return slices.Collect(maps.Keys(all.watchers))
}

func (all *watch) takeDue() []ID {
	all.mu.Lock()
	defer all.mu.Unlock()
	due := slices.Collect(maps.Keys(all.due))
	clear(all.due)
	return due
}

// look looks at sessions, and tells the watchers of those that have changed or
// ended. After a failure it leaves the rest to the next look.
func (e *engine) look(ctx context.Context, ids []ID) {
	for page := range slices.Chunk(ids, watchPage) {
		started := e.started()
		if err := e.lookAt(ctx, page); err != nil {
			if ctx.Err() == nil {
				e.event(ctx, EventError, ID{}, "", started, unavailable("watch", err))
			}
			return
		}
	}
}

func (e *engine) lookAt(ctx context.Context, ids []ID) error {
	b := bound(ctx, e.opts.StoreTimeout)
	defer b.stop()
	versions, err := e.versions(b, ids)
	if err != nil {
		return err
	}
	var failure error
	for _, id := range e.watch.outdated(ctx, ids, versions) {
		rec, env, err := e.fetch(b, id)
		if errors.Is(err, ErrUnavailable) {
			failure = err // one session that cannot be loaded does not stop the others
			continue
		}
		e.watch.tell(ctx, e, id, rec, env, err)
	}
	return failure
}

// versions returns the versions of the live sessions among these.
func (e *engine) versions(ctx context.Context, ids []ID) (map[ID]uint64, error) {
	if store, ok := e.store.(Watchable); ok {
		return store.Versions(ctx, ids)
	}
	versions := make(map[ID]uint64, len(ids))
	for _, id := range ids {
		rec, err := e.store.Load(ctx, id)
		if err == nil {
			versions[id] = rec.Version
		} else if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	return versions, nil
}

// outdated ends the watchers of sessions that are over. It returns the sessions
// whose version is new to one of their watchers.
func (all *watch) outdated(ctx context.Context, ids []ID, versions map[ID]uint64) (changed []ID) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if ctx.Err() != nil {
		return nil // another goroutine has taken over
	}
	now := time.Now()
	for _, id := range ids {
		version, live := versions[id]
		differs := false
		for _, w := range all.watchers[id] {
			switch {
			case !live:
				w.cancel(errWatchOver)
			case w.version != version:
				differs = true
			case !w.ends.IsZero() && !now.Before(w.ends):
				w.cancel(errWatchOver)
			}
		}
		if differs {
			changed = append(changed, id)
		}
	}
	return changed
}

// tell tells the watchers of a session what is stored now. err is that of
// engine.fetch.
func (all *watch) tell(ctx context.Context, e *engine, id ID, rec Record, env envelope, err error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	for _, w := range all.watchers[id] {
		switch {
		case isAbsent(err):
			w.cancel(errWatchOver)
		case e.subject(rec.Subject) != w.subject:
			w.cancel(errWatchPassed)
		case rec.Version != w.version:
			if w.version = rec.Version; err == nil {
				w.ends = e.lifetimeEnd(&env)
			}
			select {
			case <-w.changed: // Changes has not taken it
			default:
			}
			w.changed <- rec
		}
	}
}
