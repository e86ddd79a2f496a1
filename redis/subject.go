package sessionredis

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
)

const (
	// clocks allows for the difference between the clocks of processes, which
	// compare leases.
	clocks = time.Hour

	// batch is how many sessions one pipeline holds. It stays small on both sides.
	batch = 256

	// page is how many names are read at once, and looked at without their data.
	page = 1024
)

// enter makes the set of a subject name a session, before the session gets this
// expiry. It returns until when: the lease. That is twice as long as the life
// of the session, so that few uses have to renew it.
func (s *Store) enter(ctx context.Context, id session.ID, subject string, expires int64) (lease int64, err error) {
	if subject == "" {
		return 0, nil // the empty subject owns nothing
	}
	now := time.Now().UnixMilli()
	lease = min(expires+max(expires-now, 0), latest)
	over := now - clocks.Milliseconds()
	_, err = s.call(ctx, true, func() error {
		_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			key := s.subjectKey(subject)
			send := func(args ...any) { _ = p.Process(ctx, newCommand(ctx, args...)) }
			send("pexpire", key, lease-over, "gt")      // an old set must not end now, when it gets a new entry
			send("zadd", key, "gt", lease, id.String()) // the entry
			send("zremrangebyscore", key, "-inf", over) // entries whose lease is over
			send("pexpire", key, lease-over, "nx")      // a new set ends too
			send("pexpire", key, lease-over, "gt")      // if another process began it, it must not end before this entry
			return nil
		})
		return err
	})
	return lease, err
}

// newest returns a page of the sessions that the set of a subject names, from a
// rank on, the longest lease first. more reports whether the page is full.
func (s *Store) newest(ctx context.Context, subject string, from int) (ids []session.ID, more bool, err error) {
	cmd := newCommand(ctx, "zrange", s.subjectKey(subject), from, from+page-1, "rev")
	if err := s.process(ctx, cmd); err != nil {
		return nil, false, err
	}
	names, err := cmd.StringSlice()
	if err != nil {
		return nil, false, err
	}
	ids, err = parseAll(names)
	return ids, len(names) == page, err
}

// named iterates over the sessions that the set of a subject names, in pages,
// the shortest lease first. An entry moves only up, to a longer lease. So named
// misses no entry that stays in the set, and may return one twice. It leaves
// out sessions whose lease is over: they are dead.
func (s *Store) named(ctx context.Context, subject string) iter.Seq2[[]session.ID, error] {
	return func(yield func([]session.ID, error) bool) {
		from, size := float64(time.Now().Add(-clocks).UnixMilli()), page
		for {
			cmd := entries{redis.NewZSliceCmd(ctx, "zrange", s.subjectKey(subject), from, "+inf", "byscore", "limit", 0, size, "withscores")}
			if err := s.process(ctx, cmd); err != nil {
				yield(nil, err)
				return
			}
			found := cmd.Val()
			names := make([]string, len(found))
			for i, entry := range found {
				names[i], _ = entry.Member.(string)
			}
			if !yield(parseAll(names)) || len(found) < size {
				return
			}
			// The next page begins with the last lease of this one, because other entries
			// may have the same lease. If all of this page have it, the next page has to be
			// larger.
			if last := found[size-1].Score; last > from {
				from, size = last, page
			} else {
				size *= 2
			}
		}
	}
}

// parseAll returns the IDs among names. With an error, some names were not IDs.
func parseAll(names []string) (ids []session.ID, err error) {
	ids = make([]session.ID, 0, len(names))
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

// List implements session.Store. It takes one round trip for every 1024 entries
// of the subject's set, and one more for every 256.
func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	key := s.subjectKey(subject)
	if subject == "" {
		if err := s.ready(ctx); err != nil {
			return nil, failed("list", key, err)
		}
		return nil, nil
	}
	var records []session.Record
	for ids, err := range s.named(ctx, subject) {
		if err != nil {
			return nil, failed("list", key, err)
		}
		found, err := s.fetch(ctx, "list", key, ids)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if r.Subject == subject {
				records = append(records, r)
			}
		}
	}
	slices.SortStableFunc(records, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return slices.CompactFunc(records, func(a, b session.Record) bool { return a.ID == b.ID }), nil
}

// fetch returns the live sessions among ids. whole names them all in an error.
func (s *Store) fetch(ctx context.Context, doing, whole string, ids []session.ID) (records []session.Record, err error) {
	for some := range slices.Chunk(ids, batch) {
		cmds := make([]get, len(some))
		for i, id := range some {
			cmds[i] = newGet(ctx, s.key(id))
		}
		if err := pipeline(ctx, s, s.client, true, cmds); err != nil {
			return nil, failed(doing, whole, err)
		}
		now := time.Now().UnixMilli()
		for i, cmd := range cmds {
			r, _, err := read(some[i], cmd, now)
			switch {
			case errors.Is(err, session.ErrNotFound):
			case err != nil:
				return nil, failed(doing, s.key(some[i]), err)
			default:
				records = append(records, r)
			}
		}
	}
	return records, nil
}

// Versions implements session.Watchable, in one round trip. It reads only the
// fields before the data.
func (s *Store) Versions(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
	cmds := make([]get, len(ids))
	for i, id := range ids {
		cmds[i] = newHead(ctx, s.key(id))
	}
	if err := pipeline(ctx, s, s.client, true, cmds); err != nil {
		return nil, failed("versions", s.prefix+"*", err)
	}
	versions := make(map[session.ID]uint64, len(ids))
	now := time.Now().UnixMilli()
	for i, cmd := range cmds {
		if cmd.Val() == "" {
			continue // there is no such key
		}
		r, _, err := read(ids[i], cmd, now)
		switch {
		case errors.Is(err, session.ErrNotFound):
		case err != nil && !errors.Is(err, errNoSession):
			return nil, failed("versions", s.key(ids[i]), err)
		default:
			versions[ids[i]] = r.Version // or 0 for what is no session: Load returns that error
		}
	}
	return versions, nil
}
