package sessionredis

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
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

// An entry of the set of a subject names a session, at least until the end of
// its lease. The lease is the score of the entry.
type entry struct {
	id    session.ID
	lease int64
}

// enter makes the set of a subject name a session, before the session gets this
// expiry. It returns until when: the lease. That is twice as long as the life
// of the session, so that few uses have to renew it. An entry that is there
// already gets another lease in any case, so that leave spares it.
func (s *Store) enter(ctx context.Context, id session.ID, subject string, expires int64) (lease int64, err error) {
	if subject == "" {
		return 0, nil // the empty subject owns nothing
	}
	now := time.Now().UnixMilli()
	lease = min(expires+max(expires-now, 0), latest)
	key, name, over := s.subjectKey(subject), id.String(), now-clocks.Milliseconds()
	return lease, pipeline(ctx, s, s.client, true, []command{
		newCommand(ctx, "pexpire", key, lease-over, "gt"),      // an old set must not end now, when it gets a new entry
		newCommand(ctx, "zadd", key, "xx", "incr", 1, name),    // an entry that is there
		newCommand(ctx, "zadd", key, "gt", lease, name),        // the entry
		newCommand(ctx, "zremrangebyscore", key, "-inf", over), // entries whose lease is over
		newCommand(ctx, "pexpire", key, lease-over, "nx"),      // a new set ends too
		newCommand(ctx, "pexpire", key, lease-over, "gt"),      // if another process began it, it must not end before this entry
	})
}

// leave drops entries of sessions that have ended. It spares those that have
// another lease by now: somebody is about to write such a session. Best effort:
// an entry that stays only costs time.
func (s *Store) leave(ctx context.Context, subject string, ended []entry) {
	if subject == "" || len(ended) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := s.subjectKey(subject)
	for some := range slices.Chunk(ended, page) {
		over := time.Now().Add(-clocks).UnixMilli()
		err := s.bounded(ctx, func() error {
			_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
				mark := evaluate(ctx, "eval", leaveScript.text, key, func(all []any) []any {
					all = append(all, 2*page, slices.MinFunc(some, byLease).lease, slices.MaxFunc(some, byLease).lease)
					for _, e := range some {
						all = append(all, e.lease, e.id.String())
					}
					return all
				})
				return errors.Join(p.Process(ctx, mark), p.Process(ctx, newCommand(ctx, "zremrangebyscore", key, "-inf", over)))
			})
			return err
		})
		if err != nil {
			return
		}
	}
}

// createdAt returns when a session was created, if its ID tells.
func createdAt(id session.ID) (at time.Time, ok bool) {
	if id[6]>>4 != 7 { // the version of the UUID
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)), true
}

// settled returns those of absent sessions that nobody can be about to create,
// because their IDs are too old.
func settled(absent []entry) []entry {
	return slices.DeleteFunc(absent, func(e entry) bool {
		at, ok := createdAt(e.id)
		return !ok || time.Since(at) < 2*clocks
	})
}

// newest returns a page of the set of a subject, from a rank on, the longest
// lease first. more reports whether the page is full.
func (s *Store) newest(ctx context.Context, subject string, from int) (found []entry, more bool, err error) {
	all, err := s.entries(ctx, "zrange", s.subjectKey(subject), from, from+page-1, "rev", "withscores")
	if err != nil {
		return nil, false, err
	}
	found, err = parseAll(all)
	return found, len(all) == page, err
}

// named iterates over the set of a subject, in pages, the shortest lease first.
// An entry moves only up, to a longer lease, until it is dropped. So named
// misses no entry that stays in the set, and may return one twice. It leaves out
// sessions whose lease is over: they are dead.
func (s *Store) named(ctx context.Context, subject string) iter.Seq2[[]entry, error] {
	return func(yield func([]entry, error) bool) {
		from, size := float64(time.Now().Add(-clocks).UnixMilli()), page
		for {
			all, err := s.entries(ctx, "zrange", s.subjectKey(subject), from, "+inf", "byscore", "limit", 0, size, "withscores")
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(parseAll(all)) || len(all) < size {
				return
			}
			// The next page begins with the last lease of this one, because other entries
			// may have the same lease. If all of this page have it, the next page has to be
			// larger.
			if last := all[size-1].Score; last > from {
				from, size = last, page
			} else {
				size *= 2
			}
		}
	}
}

// entries sends a command that reads a part of a set.
func (s *Store) entries(ctx context.Context, args ...any) ([]redis.Z, error) {
	cmd := scored{redis.NewZSliceCmd(ctx, args...)}
	if err := s.process(ctx, cmd); err != nil {
		return nil, err
	}
	return cmd.Val(), nil
}

// parseAll returns the entries that name sessions. With an error, some names
// were not IDs.
func parseAll(all []redis.Z) (found []entry, err error) {
	found = make([]entry, 0, len(all))
	for _, z := range all {
		name, _ := z.Member.(string)
		id, parseErr := session.ParseID(name)
		if parseErr != nil {
			err = errNoSession
			continue
		}
		found = append(found, entry{id, int64(z.Score)})
	}
	return found, err
}

// List implements session.Store. It takes one round trip for every 1024 entries
// of the subject's set, and one more for every 256. The entries are those of
// live sessions, and those that the comment of [Store.DeleteAll] names. List
// drops them too.
func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	key := s.subjectKey(subject)
	if subject == "" {
		if err := s.ready(ctx); err != nil {
			return nil, failed("list", key, err)
		}
		return nil, nil
	}
	var records []session.Record
	for entries, err := range s.named(ctx, subject) {
		if err != nil {
			return nil, failed("list", key, err)
		}
		found, absent, err := s.fetch(ctx, "list", key, entries)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if r.Subject == subject {
				records = append(records, r)
			}
		}
		s.leave(ctx, subject, settled(absent))
	}
	slices.SortStableFunc(records, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return slices.CompactFunc(records, func(a, b session.Record) bool { return a.ID == b.ID }), nil
}

// fetch returns the live sessions that these entries name, and the entries of
// sessions that are not there at all. whole names them all in an error.
func (s *Store) fetch(ctx context.Context, doing, whole string, entries []entry) (records []session.Record, absent []entry, err error) {
	for some := range slices.Chunk(entries, batch) {
		cmds := make([]get, len(some))
		for i, e := range some {
			cmds[i] = newGet(ctx, s.key(e.id))
		}
		if err := pipeline(ctx, s, s.client, true, cmds); err != nil {
			return nil, nil, failed(doing, whole, err)
		}
		now := time.Now().UnixMilli()
		for i, cmd := range cmds {
			r, _, err := read(some[i].id, cmd, now)
			switch {
			case errors.Is(cmd.Err(), redis.Nil):
				absent = append(absent, some[i])
			case errors.Is(err, session.ErrNotFound):
			case err != nil:
				return nil, nil, failed(doing, s.key(some[i].id), err)
			default:
				records = append(records, r)
			}
		}
	}
	return records, absent, nil
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

func byLease(a, b entry) int { return cmp.Compare(a.lease, b.lease) }
