// Package memory keeps sessions in the memory of the process: the store for
// one process, for development and for tests. No other process sees what it
// holds. It is gone when the process ends, unless that calls [Store.Save], and the
// next one [Store.Restore].
//
// It starts no goroutine. Expired sessions are absent at once and leave memory
// as the store is used: each call removes a few of them, so that they cannot
// pile up and no call pays for many.
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

// Options for New. The zero value of each field, and a nil *Options, mean the
// default.
type Options struct {
	// MaxSessions bounds how many sessions are kept; zero or less means no
	// bound. When the store is full, a Create first removes another: one that has
	// expired; or else the one without a subject that was used least recently; or
	// else, with subjects alone, the one of these. A session is used when it is
	// loaded, created, updated or touched, but not by List and All. A bound keeps
	// strangers, who can have a new session with each request, from filling the
	// memory. They push out other visitors, and who has logged in only when no
	// others are left.
	MaxSessions int

	// Evicted, if set, is called with each session that was removed while it
	// was live, to make room: count them, to learn that MaxSessions is too
	// low. It is called by Create, when the session is gone, without any lock
	// held, and owns the record. What a logout leaves for a minute has no Subject
	// and goes as one that was used then. It must be safe for concurrent use.
	Evicted func(session.Record)
}

// A Store keeps sessions in memory and implements session.Store, with all its
// promises. Make one with New; it is safe for concurrent use.
//
// Its only errors besides the named ones are those of a context that was done
// before the call, and the refusal of the zero ID.
type Store struct {
	max     int
	evicted func(session.Record)

	seed   maphash.Seed
	shards [shardCount]shard
	owners [shardCount]owners
	count  atomic.Int64

	// creating makes Creates wait for each other where there is a bound, so
	// that making room and using it are one step. It comes before the locks
	// of shards, these in the order of their index, and last one of owners.
	creating sync.Mutex
}

// shardCount spreads the work over locks that are held for moments. More would
// make the search for what a full store can do without longer.
const shardCount = 64

// New returns an empty store. Nil options mean the defaults.
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

// Len returns how many sessions are in memory: those that are live, and those
// that have expired and are not yet removed. It costs nothing and never
// exceeds MaxSessions.
func (s *Store) Len() int { return int(s.count.Load()) }

// Load implements session.Store.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, failed("load", err)
	}
	return s.load(id, time.Now().UnixMilli(), true)
}

// Create implements session.Store. A record whose ExpiresAt has passed is not
// kept, which is no error.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return failed("create", err)
	}
	if r.ID.IsZero() {
		return errors.New("memory: create: the zero ID names no session")
	}
	return s.add(s.newEntry(keep(r)))
}

// add creates a session, and tells of the one that had to go for it.
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

// List implements session.Store. It costs what the subject's own sessions
// cost, however many others there are.
func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("list", err)
	}
	return s.list(subject, time.Now().UnixMilli()), nil
}

// DeleteAll implements session.Store. All sessions go at the same moment. It
// costs what the subject's own sessions cost, however many others there are.
func (s *Store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, failed("delete all", err)
	}
	return s.deleteAll(subject, except, time.Now().UnixMilli()), nil
}

// Versions implements session.Watchable. To be watched makes no session one that
// was used last.
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

// All implements session.Iterable. Each session that lives throughout is there
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
