package sessionredis

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
)

const (
	// Leases are compared with the clocks of several processes, which differ.
	clocks = time.Hour

	// How many sessions one pipeline holds, so that it stays small on both sides.
	batch = 256
)

// enter has the set of a subject name a session that is about to have the
// expiry, and returns until when: the lease. It is twice as long as the life of the
// session, so that few uses have to renew it.
func (s *Store) enter(ctx context.Context, id session.ID, subject string, expires int64) (lease int64, err error) {
	if subject == "" {
		return 0, nil // owns nothing
	}
	now := time.Now().UnixMilli()
	lease = min(expires+max(expires-now, 0), latest)
	over := now - clocks.Milliseconds()
	_, err = s.call(ctx, true, func() error {
		_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			key := s.subjectKey(subject)
			send := func(args ...any) { _ = p.Process(ctx, newCommand(ctx, args...)) }
			send("pexpire", key, lease-over, "gt")      // an old set must not end now, with its new entry
			send("zadd", key, "gt", lease, id.String()) // the entry
			send("zremrangebyscore", key, "-inf", over) // those whose lease is over
			send("pexpire", key, lease-over, "nx")      // a new set ends too
			send("pexpire", key, lease-over, "gt")      // and not before its entry, if another process began it
			return nil
		})
		return err
	})
	return lease, err
}

// entered returns the sessions that the set of a subject names. With an error
// they may be fewer.
func (s *Store) entered(ctx context.Context, subject string) (ids []session.ID, err error) {
	if subject == "" {
		return nil, s.ready(ctx)
	}
	cmd := newCommand(ctx, "zrange", s.subjectKey(subject), 0, -1)
	if err := s.process(ctx, cmd); err != nil {
		return nil, err
	}
	names, err := cmd.StringSlice()
	for _, name := range names {
		id, parseErr := session.ParseID(name)
		if parseErr != nil {
			err = errNoSession
			continue
		}
		ids = append(ids, id)
	}
	return ids, err
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
		cmds := make([]get, len(some))
		for i, id := range some {
			cmds[i] = newGet(ctx, s.key(id))
		}
		if err := pipeline(ctx, s, true, cmds); err != nil {
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
	ids = slices.DeleteFunc(ids, func(id session.ID) bool { return slices.Contains(except, id) })
	removed := 0
	for some := range slices.Chunk(ids, batch) {
		cmds := make([]command, len(some))
		for i, id := range some {
			// By its text, as a digest that the server does not know would
			// fail in the midst of the pipeline.
			cmds[i] = evaluate(ctx, "eval", removeScript.text, s.key(id), time.Now().UnixMilli(), subject)
		}
		if failure := pipeline(ctx, s, false, cmds); failure != nil {
			err = cmp.Or(err, failure)
			continue // with what can be reached
		}
		for _, cmd := range cmds {
			switch answer := cmd.Val(); answer {
			case done:
				removed++
			case absent:
			default:
				err = cmp.Or(err, strange(answer))
			}
		}
	}
	if err != nil {
		return removed, failed("delete all", s.subjectKey(subject), err)
	}
	return removed, nil
}
