// Package memory keeps sessions in the memory of the process: the store for one
// process, for development and for tests. No other process sees them. They are
// gone when the process ends, unless it calls [Store.Save] and the next one
// calls [Store.Restore].
//
// It starts no goroutine. Expired sessions are absent at once. Each call
// removes a few of them from memory, so that they cannot pile up and no call
// pays for many.
package memory

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"math"
	"sync"
	"sync/atomic"
	"time"

	session "github.com/gostateful/session/core"
)

// Options for [New]. A nil *Options and the zero value of each field mean the
// default.
type Options struct {
	// MaxSessions bounds how many sessions are kept. Zero or less means no bound.
	// When the store is full, a Create first removes another session: an expired
	// one, or else the least recently used one without a subject, or else the least
	// recently used one. Load, Create, Update and Touch are uses; List and All are
	// not.
	//
	// A bound keeps strangers from filling the memory: they can have a new session
	// with each request. They push out other visitors first. They push out users
	// who are logged in only when no other visitors are left.
	MaxSessions int

	// Evicted, if set, is called with each live session that was removed to make
	// room. Count them to learn that MaxSessions is too low. Create calls it after
	// the removal, without a lock held. A logout leaves a record without a Subject
	// for a minute. It is removed like a session that was last used at the logout.
	// Evicted must be safe for concurrent use.
	Evicted func(session.Record)
}

// A Store keeps sessions in memory and implements [session.Store], with all its
// promises. Make one with [New]. It is safe for concurrent use.
//
// Beside the errors that session.Store names, it returns only those of a
// context that was done before the call, and an error for the zero ID.
type Store struct {
	max     int
	evicted func(session.Record)

	seed   maphash.Seed
	shards [shardCount]shard
	owners [shardCount]owners
	count  atomic.Int64

	// With a bound, creating makes Creates wait for each other, so that making room
	// and using it are one step. Lock it first, then shards in the order of their
	// index, and one of owners last.
	creating sync.Mutex
}

// shardCount spreads the work over locks that are held for moments. With more
// shards, a full store would search longer for the session to remove.
const shardCount = 64

// New returns an empty store. Nil opts mean the defaults.
func New(opts *Options) *Store {
	s := &Store{seed: maphash.MakeSeed()}
	if opts != nil {
		s.max, s.evicted = opts.MaxSessions, opts.Evicted
	}
	for i := range s.shards {
		s.shards[i].soonest.Store(math.MaxInt64)
		s.shards[i].rank.Store(math.MaxInt64)
	}
	return s
}

// Len returns how many sessions are in memory: the live ones, and the expired
// ones that are not yet removed. It is cheap. It never exceeds MaxSessions.
func (s *Store) Len() int { return int(s.count.Load()) }

// Load implements session.Store.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, failed("load", err)
	}
	return s.load(id, time.Now().UnixMilli(), true)
}

// Create implements session.Store. It does not keep a record whose ExpiresAt
// has passed, and returns no error.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return failed("create", err)
	}
	if r.ID.IsZero() {
		return errors.New("memory: create: the zero ID names no session")
	}
	return s.add(s.newEntry(keep(r)))
}

// add creates a session, and reports the one that was removed for it.
func (s *Store) add(e *entry) error {
	evicted, err := s.create(e, time.Now().UnixMilli())
	if evicted != nil && s.evicted != nil {
		k := evicted.kept()
		s.evicted(k.record())
	}
	return err
}

// Update implements session.Store.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return failed("update", err)
	}
	return s.update(r, time.Now().UnixMilli())
}

// Touch implements session.Store.
func (s *Store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	if err := ctx.Err(); err != nil {
		return failed("touch", err)
	}
	return s.touch(id, expiresAt.UnixMilli(), time.Now().UnixMilli())
}

// Delete implements session.Store.
func (s *Store) Delete(ctx context.Context, id session.ID) error {
	if err := ctx.Err(); err != nil {
		return failed("delete", err)
	}
	s.delete(id, time.Now().UnixMilli())
	return nil
}

// List implements session.Store. Its cost depends only on the subject's own
// sessions, however many others there are.
func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("list", err)
	}
	return s.list(subject, time.Now().UnixMilli()), nil
}

// DeleteAll implements session.Store. All sessions go at the same moment. Its
// cost depends only on the subject's own sessions, however many others there
// are.
func (s *Store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, failed("delete all", err)
	}
	return s.deleteAll(subject, except, time.Now().UnixMilli()), nil
}

// Versions implements session.Watchable. It does not count as a use of the
// sessions.
func (s *Store) Versions(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("versions", err)
	}
	versions := make(map[session.ID]uint64, len(ids))
	now := time.Now().UnixMilli()
	for _, id := range ids {
		if k, ok := s.get(id, now, false); ok {
			versions[id] = k.version
		}
	}
	return versions, nil
}

// All implements session.Iterable. Each session that lives throughout comes
// exactly once, as it is at that moment.
func (s *Store) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for id := range s.ids() {
			if err := ctx.Err(); err != nil {
				yield(session.Record{}, failed("all", err))
				return
			}
			if r, err := s.load(id, time.Now().UnixMilli(), false); err == nil && !yield(r, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(session.Record{}, failed("all", err))
		}
	}
}
