package sessionredis

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gostateful/session/core"
)

const (
	// Leases are compared with the clocks of several processes, which differ.
	clocks = 5 * time.Minute

	// How many sessions one pipeline holds, so that it stays small on both sides.
	batch = 256
)

// enter has the set of a subject name a session that is about to have the
// expiry, and returns how long it does. The lease is twice as long as the life,
// so that few uses have to renew it.
func (s *Store) enter(ctx context.Context, id session.ID, subject string, expires, now int64) (lease int64, err error) {
	if subject == "" {
		return 0, nil // owns nothing
	}
	lease = min(expires+(expires-now), latest)
	over := now - clocks.Milliseconds()
	err = s.call(ctx, func() error {
		// No script and no transaction, see script. The set has a time to live
		// from its first moment on all the same: Redis does and saves what
		// comes together, together. An old set must not expire in between, and
		// take the new entry with it, so that it gets its new time first.
		_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			key := s.subjectKey(subject)
			send := func(args ...any) { _ = p.Process(ctx, redis.NewIntCmd(ctx, args...)) }
			send("pexpire", key, lease-over, "gt")
			send("zadd", key, "gt", lease, id.String())
			send("zremrangebyscore", key, "-inf", over)
			send("pexpire", key, lease-over, "nx")
			send("pexpire", key, lease-over, "gt")
			return nil
		})
		return err
	})
	return lease, err
}

// entered returns the sessions that the set of a subject names.
func (s *Store) entered(ctx context.Context, subject string) ([]session.ID, error) {
	if subject == "" {
		return nil, nil
	}
	cmd := redis.NewStringSliceCmd(ctx, "zrange", s.subjectKey(subject), 0, -1)
	if err := s.process(ctx, cmd); err != nil {
		return nil, err
	}
	ids := make([]session.ID, len(cmd.Val()))
	for i, name := range cmd.Val() {
		var err error
		if ids[i], err = session.ParseID(name); err != nil {
			return nil, errNoSession
		}
	}
	return ids, nil
}

// List implements session.Store. It takes one round trip, and one more for
// every 256 sessions.
func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	ids, err := s.entered(ctx, subject)
	if err != nil {
		return nil, failed("list", s.subjectKey(subject), err)
	}
	var records []session.Record
	for some := range slices.Chunk(ids, batch) {
		cmds := make([]*redis.StringCmd, len(some))
		for i, id := range some {
			cmds[i] = redis.NewStringCmd(ctx, "get", s.key(id))
		}
		if err := pipeline(ctx, s, cmds); err != nil {
			return nil, failed("list", s.subjectKey(subject), err)
		}
		now := time.Now().UnixMilli()
		for i, cmd := range cmds {
			r, err := read(some[i], cmd, now)
			switch {
			case errors.Is(err, session.ErrNotFound):
			case err != nil:
				return nil, failed("list", s.key(some[i]), err)
			case r.Subject == subject:
				records = append(records, r)
			}
		}
	}
	slices.SortFunc(records, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return records, nil
}

// DeleteAll implements session.Store. It takes one round trip, and one more
// for every 256 sessions. After an error some sessions may be gone and others
// not, and it has to be called again.
func (s *Store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	ids, err := s.entered(ctx, subject)
	if err != nil {
		return 0, failed("delete all", s.subjectKey(subject), err)
	}
	ids = slices.DeleteFunc(ids, func(id session.ID) bool { return slices.Contains(except, id) })
	removed := 0
	for some := range slices.Chunk(ids, batch) {
		cmds := make([]once, len(some))
		for i, id := range some {
			// By its text, as a digest that the server does not know would
			// fail in the midst of the pipeline.
			cmds[i] = evaluate(ctx, "eval", removeScript.text, s.key(id), time.Now().UnixMilli(), subject)
		}
		failure := pipeline(ctx, s, cmds)
		if failure != nil {
			err = failed("delete all", s.subjectKey(subject), failure)
			if ctx.Err() != nil {
				break
			}
			continue // with what can be reached
		}
		for _, cmd := range cmds {
			if cmd.Val() == done {
				removed++
			}
		}
	}
	return removed, err
}
