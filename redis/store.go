// Package sessionredis keeps sessions in Redis, or in a server that speaks its
// protocol and runs its scripts: on one server, through Sentinel, or in a
// Cluster.
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
// numbers have a fixed width, so that a script can compare them as text. That
// saves time: Redis has one thread, and all clients wait for a script.
//
// A sorted set names the sessions of a subject. The score of a session is its
// lease: the set names the session at least until then.
//
//	> ZRANGE session:subject:alice 0 -1 WITHSCORES
//	1) "019ac6f1-6a2e-7c3b-9d51-2f7a0c4e8b16"
//	2) "1795522600000"
//
// Every key has a time to live. There is one exception: if the connection is
// cut in the middle of the first entry to a set, the set gets its time to live
// with the next entry.
//
// # What is atomic, and what is repaired
//
// Each method changes a session by one command or one script on its one key, in
// any slot. So each change happens whole or not at all, and only over the
// version that was read. SET with IFEQ, which newer servers have, cannot
// replace the script: it compares the whole value. An Update knows only the
// version, not the present expiry and data.
//
// The set of a subject is another key, in a Cluster on another server. So it is
// written first: the set of a subject names each session that has this subject.
// If a process dies between the two writes, the set names a session that does
// not exist or belongs to another subject. The same holds for sessions that
// were deleted, have expired, or changed their subject. List and DeleteAll
// notice, because they look at the session itself.
//
// DeleteAll drops the entries of the sessions that it ends. List and DeleteAll
// drop those of sessions that do not exist, if their IDs say that they were
// created more than two hours ago: nobody is about to create them. If a Create
// has such an ID all the same, it writes the entry once more when the session
// exists. The store must not drop the entry of a session that is just being
// written. So each write of an entry changes its lease. A drop names the lease
// that was seen, and does nothing if the entry has another one. If a drop fails,
// the entry only costs time.
//
// Entries whose leases are over are dropped when the subject's next session is
// entered, and the set when all of its leases are over.
//
// A session must not outlive its lease. A lease is twice as long as the session
// has to live. A use that moves the expiry beyond the lease first renews the
// lease.
//
// The time at which a write is sent decides whether a session has expired. If
// the network or the server delays the write past the expiry, it may still be
// done, as if it had been in time.
//
// DeleteAll does not happen at one moment: it deletes the sessions one after
// the other. A session whose Create or Update returned before the call is gone
// when DeleteAll returns. It reads the set page by page, upwards. Entries move
// only up until they are dropped, so it misses none that a use moves meanwhile.
//
// All this holds as long as Redis keeps what it has acknowledged. The README
// says which settings that needs. No write uses a transaction, or a script that
// writes by several commands: Redis 7.0 and others cannot load an append-only
// file with such writes while the default user is off (redis/redis#14541,
// valkey-io/valkey#3983). So a set is entered by a pipeline, and a touch
// rewrites the whole value on the server.
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

// Options for [New]. A nil *Options and the zero value of each field mean the
// default.
type Options struct {
	// Prefix begins every key. The default is "session:". Applications that share a
	// Redis use different prefixes, and then see nothing of each other, even if one
	// prefix begins with the other. It may hold a hash tag, such as "{shop}:",
	// which puts all keys into one slot of a Cluster. The text "subject:" is
	// refused, because it would make keys ambiguous.
	Prefix string
}

// A Store keeps sessions in Redis and implements [session.Store], with all its
// promises. Make one with [New]. It is safe for concurrent use.
//
// Load, Create, Update, Touch and Delete take one round trip to Redis. They
// take two if the set of a subject must be written first: a Create with a
// subject, an Update that changes the subject to another one, and an Update
// beyond the lease. A Touch beyond the lease takes three, because only its
// first round trip finds out. The same is true of an Update to another subject
// that keeps the expiry. A Create of an ID that is taken takes one more.
//
// If Redis cannot be reached or refuses to work for the moment, such as while
// it starts or fails over, each round trip waits for it: for about a second and
// a half, and not beyond the deadline of the context.
type Store struct {
	client redis.UniversalClient
	prefix string

	unfit    error // why the client or the options cannot be used
	punctual bool  // the client keeps to the deadline of a context
	seen     seen
}

// New returns a store on a client of Redis. The caller closes the client. Nil
// opts mean the defaults.
//
// New does not connect. If sessions would not be safe with a client or a
// prefix, all methods fail with an error that says why. This is so with a
// redis.Ring: its keys move when a server is down, and deleted sessions come
// back with the server. It is also so with a client that reads from replicas or
// from its own cache, because these may show revoked sessions.
//
// Set ContextTimeoutEnabled in the client's options: see the README. A client
// without it ignores the deadline of a context. The store then makes each call
// in a goroutine, and waits for it no longer than the deadline. The goroutine
// ends when the client itself gives up.
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

// Create implements session.Store. It does not keep a record whose ExpiresAt
// has passed, and returns no error.
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
	value := newValue(r, lease) // made here, because a call that is given up may begin after Create returns
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
	// Whoever looked before it was there may have taken its entry for a dead one,
	// because its ID is old. See settled.
	if at, ok := createdAt(r.ID); ok && time.Since(at) > clocks {
		if _, err := s.enter(ctx, r.ID, r.Subject, expires); err != nil {
			return failed("create", key, err)
		}
	}
	return nil
}

// set creates a session if there is none. It is not repeated after an unknown
// outcome: the first attempt may have been done, and the session revoked since.
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
	return true, nil // or it has expired meanwhile
}

// replace creates a session if Redis has an expired one. Redis removes it a
// little late, because it counts from when it received the command. Like set,
// replace is not repeated after an unknown outcome.
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
	var until int64   // the set of the subject first has to name the session until then; zero: it need not
	var lease int64   // of the entry in the set; zero: none was made
	var unknown error // the error of an attempt that may have taken effect
	if expected < expires && expires > time.Now().UnixMilli() {
		until = expires
	}
	for {
		if until > lease {
			var err error
			if lease, err = s.enter(ctx, r.ID, r.Subject, until); err != nil {
				return failed("update", key, err)
			}
			expected = 0 // the script trusts the lease in the value if it is not the expected one
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
			until = wants // the set first has to name the session, or for longer
		case unknown != nil && (answer == absent || answer == conflict):
			return failed("update", key, unknown) // its own first attempt may be in the way
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
		// The set of the subject first has to name the session for longer.
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

// failed returns an error that says what could not be done, and for which key.
// A key holds no secret.
func failed(doing, key string, err error) error {
	return fmt.Errorf("sessionredis: %s %q: %w%s", doing, key, err, advice(err))
}

// advice says what to do about an error that the application can correct.
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
