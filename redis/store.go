// Package sessionredis keeps sessions in Redis, or in what speaks its protocol
// and runs its scripts: on one server, through Sentinel, or in a Cluster.
//
// # What is in Redis
//
// A session is one string, which redis-cli shows as it is:
//
//	> GET session:019ac6f1-6a2e-7c3b-9d51-2f7a0c4e8b16
//	"1795519000000 1795522600000 00000000000000000003 alice\x00..."
//
// These are the expiry and the lease in milliseconds since 1970, the version,
// the subject, and after a zero byte the data, which only the engine reads. The
// numbers are of fixed width, so that a script compares them as text: Redis is
// one thread, and what a script takes, all clients wait for.
//
// The sessions of a subject are named by a sorted set. The lease, by which it is
// scored, says until when it names a session at least:
//
//	> ZRANGE session:subject:alice 0 -1 WITHSCORES
//	1) "019ac6f1-6a2e-7c3b-9d51-2f7a0c4e8b16"
//	2) "1795522600000"
//
// Every key has a time to live. Only when a connection is cut in the midst of
// the first entry to a set, the set gets its time with the next entry.
//
// # What is atomic, and what is repaired
//
// Each method changes a session by one command or one script on its one key,
// in whichever slot that is. So each change happens whole or not at all, and
// only over the version that was read. SET with IFEQ, which newer servers have,
// could not replace the script: it compares the whole value, and an Update knows
// the version only, whatever the expiry and the data are by then.
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
// Whether a session has expired is decided by the time at which a write was
// sent. One that the network or the server holds up past the expiry may still
// be done, as if it had been in time.
//
// DeleteAll is not one moment: it takes the sessions one after the other. Those
// whose Create or Update had returned before the call are gone when it returns. It
// reads the set page by page, upwards, as entries only move up: so it misses none
// that a use moves meanwhile.
//
// All this holds as far as Redis keeps what it has acknowledged. The README
// says which settings it needs for that. No write takes a transaction, or a
// script that writes by several commands: while its default user is off, Redis
// 7.0 and others load nothing from an append-only file that was written so
// (redis/redis#14541, valkey-io/valkey#3983). That is why a set is entered by a
// pipeline, and why a touch writes the whole value anew, on the server.
package sessionredis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
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
// subject, and an Update that changes it to another, not to none, or that goes
// beyond the lease. Three take a Touch beyond the lease and an Update to another
// subject that keeps the expiry, as the first one finds that out. A Create of an
// ID that is taken takes one more.
//
// Where Redis cannot be reached or refuses to work for the moment, such as
// while it starts or fails over, each round trip waits for it, for about a second
// and a half and not beyond the deadline of the context.
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
// ends when the client gives up by itself.
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
	cmd := newGet(ctx, key)
	if err := s.process(ctx, cmd); err != nil && !errors.Is(err, redis.Nil) {
		return session.Record{}, failed("load", key, err)
	}
	r, lease, err := read(id, cmd, time.Now().UnixMilli())
	if err != nil {
		return session.Record{}, failed("load", key, err)
	}
	s.seen.remember(id, r.Subject, lease)
	return r, nil
}

// Create implements session.Store. A record whose ExpiresAt has passed is not
// kept, which is no error.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	key := s.key(r.ID)
	if err := s.check(ctx, r); err != nil {
		return failed("create", key, err)
	}
	expires := millis(r.ExpiresAt)
	if expires <= time.Now().UnixMilli() {
		return nil
	}
	lease, err := s.enter(ctx, r.ID, r.Subject, expires)
	if err != nil {
		return failed("create", key, err)
	}
	value := newValue(r, lease) // here, as a call that is given up may begin after we return
	created, err := s.set(ctx, key, expires, value)
	if err == nil && !created {
		created, err = s.replace(ctx, key, expires, value)
	}
	if err != nil {
		return failed("create", key, err)
	}
	if !created {
		return session.ErrExists
	}
	s.seen.remember(r.ID, r.Subject, lease)
	return nil
}

// set creates a session where none is. Never again after an unknown outcome: the
// first attempt may have been done, and the session revoked since.
func (s *Store) set(ctx context.Context, key string, expires int64, value []byte) (created bool, err error) {
	var cmd command
	_, err = s.call(ctx, false, func() error {
		left := expires - time.Now().UnixMilli()
		if left <= 0 {
			return nil
		}
		cmd = newCommand(ctx, "set", key, value, "px", left, "nx")
		return s.send(ctx, cmd)
	})
	switch {
	case errors.Is(err, redis.Nil):
		return false, nil
	case err != nil:
		return false, err
	case cmd.Cmd != nil && cmd.Val() != "OK":
		return false, strange(cmd.Val())
	}
	return true, nil // or has expired meanwhile
}

// replace creates a session where Redis has one. That may have expired: Redis
// removes it a little late, as it counts from when it received the command. Never
// again after an unknown outcome, as with set.
func (s *Store) replace(ctx context.Context, key string, expires int64, value []byte) (created bool, err error) {
	answer, _, err := s.run(ctx, false, createScript, key, func(all []any, now int64) []any {
		return append(all, now, expires-now, value)
	})
	switch {
	case err != nil:
		return false, err
	case answer != done && answer != conflict:
		return false, strange(answer)
	}
	return answer == done, nil
}

// Update implements session.Store.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	key := s.key(r.ID)
	if err := s.check(ctx, r); err != nil {
		return failed("update", key, err)
	}
	expires, keep := millis(r.ExpiresAt), r.ExpiresAt.IsZero()
	expected := s.seen.lease(r.ID, r.Subject)
	var until int64   // for how long the set of the subject has to name the session first; zero: it need not
	var lease int64   // zero: the set was not entered
	var unknown error // of an attempt that may have taken effect
	if expected < expires && expires > time.Now().UnixMilli() {
		until = expires
	}
	for {
		if until > lease {
			var err error
			if lease, err = s.enter(ctx, r.ID, r.Subject, until); err != nil {
				return failed("update", key, err)
			}
			expected = 0 // the script takes the lease of the value for entered if it is not the expected one
		}
		head, value := change(r, expected, max(lease, expected))
		answer, doubt, err := s.run(ctx, true, updateScript, key, func(all []any, now int64) []any {
			all = append(all, now)
			switch {
			case keep:
				all = append(all, keepExpiry)
			case expires <= now:
				all = append(all, endNow)
			default:
				all = append(all, expires-now)
			}
			return append(all, head, subjectAt+len(r.Subject), value)
		})
		unknown = cmp.Or(doubt, unknown)
		wants, more := answer.(int64)
		switch {
		case err != nil:
			return failed("update", key, err)
		case answer == done:
			s.seen.remember(r.ID, r.Subject, max(lease, expected))
			return nil
		case more && wants > lease && wants > done:
			until = wants // the set has to name the session first, or for longer
		case unknown != nil && (answer == absent || answer == conflict):
			return failed("update", key, unknown) // it may be its own first attempt that stands in the way
		case answer == absent:
			return session.ErrNotFound
		case answer == conflict:
			return session.ErrConflict
		default:
			return failed("update", key, strange(answer))
		}
	}
}

// Touch implements session.Store.
func (s *Store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	key := s.key(id)
	if err := checkExpiry(expiresAt); err != nil {
		return failed("touch", key, err)
	}
	expires := millis(expiresAt)
	subject, lease := "", int64(0)
	for {
		answer, _, err := s.run(ctx, true, touchScript, key, func(all []any, now int64) []any {
			return append(all, now, expires-now, digits(expires), digits(lease), subject)
		})
		// The set of the subject has to name the session for longer first.
		wants, more := answer.(string)
		switch {
		case err != nil:
			return failed("touch", key, err)
		case answer == done:
			return nil
		case answer == absent:
			return session.ErrNotFound
		case !more || wants == subject:
			return failed("touch", key, strange(answer))
		}
		subject = wants
		if lease, err = s.enter(ctx, id, subject, expires); err != nil {
			return failed("touch", key, err)
		}
	}
}

// Delete implements session.Store.
func (s *Store) Delete(ctx context.Context, id session.ID) error {
	key := s.key(id)
	if err := s.process(ctx, newCommand(ctx, "del", key)); err != nil {
		return failed("delete", key, err)
	}
	return nil
}

// failed says what could not be done, and for which key, which holds no secret.
func failed(doing, key string, err error) error {
	return fmt.Errorf("sessionredis: %s %q: %w%s", doing, key, err, advice(err))
}

// advice says what to do about an error that is the application's to mend.
func advice(err error) string {
	for _, known := range []struct{ prefix, advice string }{
		{"WRONGPASS", "check Username and Password in the options of the client"},
		{"NOAUTH", "set Username and Password in the options of the client"},
		{"NOPERM", "let the user of Redis have this key and this command: the prefix is Options.Prefix, and the README says under Access what the store needs"},
		{"MOVED", "if these are the servers of a Cluster, make the client by redis.NewClusterClient"},
		{"This instance has cluster support disabled", "make the client by redis.NewClient"},
	} {
		if redis.HasErrorPrefix(err, known.prefix) {
			return " (" + known.advice + ")"
		}
	}
	return ""
}
