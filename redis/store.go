// Package sessionredis keeps sessions in Redis, or in what speaks its protocol
// and runs its scripts: on one server, through Sentinel, or in a Cluster.
//
// # What is in Redis
//
// A session is one string, which redis-cli shows as it is:
//
//	> GET session:019ac6f1-6a2e-7c3b-9d51-2f7a0c4e8b16
//	"1795519000000 1795522600000 3 alice\x00..."
//
// These are the expiry and the lease in milliseconds since 1970, the version,
// the subject, and after a zero byte the data, which only the engine reads.
//
// The sessions of a subject are in a sorted set, scored by their leases:
//
//	> ZRANGE session:subject:alice 0 -1 WITHSCORES
//	1) "019ac6f1-6a2e-7c3b-9d51-2f7a0c4e8b16"
//	2) "1795522600000"
//
// Every key has a time to live.
//
// # What is atomic, and what is repaired
//
// Each method changes a session by one command or one script on its one key,
// in whichever slot that is. So each change happens whole or not at all, and
// only over the version that was read.
//
// The set of a subject is another key, and in a Cluster on another server, so
// it is written before: no session carries a subject whose set does not name
// it. When a process dies between the two writes, the set names a session that
// does not exist or belongs to somebody else, which List and DeleteAll see by
// looking at the session itself. The same is so of sessions that were deleted,
// have expired, or changed their subject. An entry is dropped only when its
// lease is over and the subject's next session is entered, and the set as a
// whole when all of its leases are over. Nothing drops one earlier: a session
// that is just being written would be lost to DeleteAll.
//
// A session must not outlive its lease, which is given for twice the time that
// the session has to live. A use that moves the expiry beyond it renews the
// lease first.
//
// DeleteAll is not one moment: it takes the sessions one after the other. Those
// whose Create or Update had returned before the call are gone when it returns.
//
// All this holds as far as Redis keeps what it has acknowledged. The README
// says which settings it needs for that.
package sessionredis

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gostateful/session/core"
)

// Options for New. The zero value of each field, and a nil *Options, mean the
// default.
type Options struct {
	// Prefix begins every key. The default is "session:". Applications that
	// share a Redis take different ones, and then see nothing of each other,
	// even if one prefix begins with the other. It may hold a hash tag, such as
	// "{shop}:", which puts all keys into one slot of a Cluster. The text
	// "subject:" is refused, as it would make keys ambiguous.
	Prefix string
}

// A Store keeps sessions in Redis and implements session.Store, with all its
// promises. Make one with New; it is safe for concurrent use.
//
// Load, Create, Update, Touch and Delete take one round trip to Redis. Where the
// set of a subject has to be written before, they take two: a Create with a
// subject, and an Update that changes it. A use that goes beyond the lease takes
// three, as the first one finds that out.
//
// Where Redis cannot be reached or refuses to work for the moment, such as
// while it starts or fails over, each method waits for it, for a second and a
// half at most and not beyond its context.
type Store struct {
	client redis.UniversalClient
	prefix string

	unfit    error // why the client or the options will not do
	punctual bool  // the client keeps to the deadline of a context
	seen     seen
}

// New returns a store on a client of Redis, which stays the caller's to close.
// Nil options mean the defaults.
//
// It does not connect. A client or a prefix that sessions would not be safe with
// makes all methods fail, with an error that says why: a redis.Ring, whose keys
// move when a server is down, so that what was deleted comes back with it; and
// a client that reads from replicas or from a cache of its own, which show what
// has been revoked.
//
// The client should have ContextTimeoutEnabled, see the README. Without it, it
// ignores the deadline that it is given. The store then makes each call in a
// goroutine that it does not wait for any longer than the deadline, and that
// ends with the client's own timeouts.
func New(client redis.UniversalClient, opts *Options) *Store {
	s := &Store{client: client, prefix: "session:", seen: seen{seed: maphash.MakeSeed()}}
	if opts != nil && opts.Prefix != "" {
		s.prefix = opts.Prefix
	}
	s.punctual, s.unfit = judge(client, s.prefix)
	return s
}

// Load implements session.Store.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	key := s.key(id)
	cmd := redis.NewStringCmd(ctx, "get", key)
	if err := s.process(ctx, cmd); err != nil && !errors.Is(err, redis.Nil) {
		return session.Record{}, failed("load", key, err)
	}
	r, err := read(id, cmd, time.Now().UnixMilli())
	if err != nil {
		return session.Record{}, failed("load", key, err)
	}
	s.seen.remember(id, r.Subject)
	return r, nil
}

// Create implements session.Store. A record whose ExpiresAt has passed is not
// kept, which is no error.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	key := s.key(r.ID)
	if err := s.check(ctx, r); err != nil {
		return failed("create", key, err)
	}
	now, expires := time.Now().UnixMilli(), r.ExpiresAt.UnixMilli()
	if expires <= now {
		return nil
	}
	lease, err := s.enter(ctx, r.ID, r.Subject, expires, now)
	if err != nil {
		return failed("create", key, err)
	}
	answer, err := s.run(ctx, createScript, key, now, expires-now, value(r, lease))
	if err != nil {
		return failed("create", key, err)
	}
	if answer != done {
		return session.ErrExists
	}
	s.seen.remember(r.ID, r.Subject)
	return nil
}

// Update implements session.Store.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	key := s.key(r.ID)
	if err := s.check(ctx, r); err != nil {
		return failed("update", key, err)
	}
	now, expires := time.Now().UnixMilli(), r.ExpiresAt.UnixMilli()
	next := r
	next.Version++
	var lease int64
	ask := s.seen.remembers(r.ID, r.Subject) || expires <= now
	for {
		// The set of the subject has to name the session first.
		if !ask {
			var err error
			if lease, err = s.enter(ctx, r.ID, r.Subject, expires, now); err != nil {
				return failed("update", key, err)
			}
		}
		answer, err := s.run(ctx, updateScript, key, now, expires-now, r.Version, value(next, lease))
		if err != nil {
			return failed("update", key, err)
		}
		switch answer {
		case done:
			s.seen.remember(r.ID, r.Subject)
			return nil
		case absent:
			return session.ErrNotFound
		case conflict:
			return session.ErrConflict
		}
		ask = false // the set does not name it, or not for long enough
	}
}

// Touch implements session.Store.
func (s *Store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	key := s.key(id)
	if err := checkExpiry(expiresAt); err != nil {
		return failed("touch", key, err)
	}
	now, expires := time.Now().UnixMilli(), expiresAt.UnixMilli()
	subject, lease := "", int64(0)
	for {
		answer, err := s.run(ctx, touchScript, key, now, expires-now, digits(expires), digits(lease), subject)
		if err != nil {
			return failed("touch", key, err)
		}
		switch answer := answer.(type) {
		case string:
			// The set of this subject has to name the session for longer.
			subject = answer
			if lease, err = s.enter(ctx, id, subject, expires, now); err != nil {
				return failed("touch", key, err)
			}
		default:
			if answer == absent {
				return session.ErrNotFound
			}
			return nil
		}
	}
}

// Delete implements session.Store.
func (s *Store) Delete(ctx context.Context, id session.ID) error {
	key := s.key(id)
	if err := s.process(ctx, redis.NewIntCmd(ctx, "del", key)); err != nil {
		return failed("delete", key, err)
	}
	return nil
}

// failed says what could not be done, and for which key, which holds no secret.
func failed(doing, key string, err error) error {
	return fmt.Errorf("sessionredis: %s %s: %w", doing, key, err)
}
