package sessionredis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
)

// DeleteAll implements session.Store. It takes one round trip for every 1024
// entries of the subject's set, one more to look at these, one for every 256
// sessions that are alive, and one to drop the entries. It begins with the
// longest leases, mostly those of the newest sessions, and goes on while it finds
// live ones. Then it looks at the whole set. After an error some sessions may be
// gone and others not. Call it again: what it has done is done.
//
// The set names the sessions that are alive, and three kinds of others, until
// their leases are over. A session that expired by itself is named for at most as
// long again as it had to live, and an hour. The first DeleteAll or List drops its
// entry, if the session was created more than two hours before. The other two
// are rare: a process died between two writes, or Redis could not be told of the
// end.
func (s *Store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	r := revocation{Store: s, subject: subject, spared: make(map[session.ID]bool, len(except))}
	for _, id := range except {
		r.spared[id] = true
	}
	err := cmp.Or(r.run(ctx), r.missed)
	if err != nil {
		err = failed("delete all", s.subjectKey(subject), err)
	}
	return r.removed, err
}

// A revocation is one call of DeleteAll.
type revocation struct {
	*Store
	subject string
	spared  map[session.ID]bool
	removed int
	missed  error // the first error about a session; the others are still ended
}

func (r *revocation) run(ctx context.Context) error {
	if r.subject == "" {
		return r.ready(ctx)
	}
	for from := 0; ; {
		found, more, err := r.newest(ctx, r.subject, from)
		if err != nil && !errors.Is(err, errNoSession) {
			return err
		}
		r.missed = cmp.Or(r.missed, err)
		ended, dropped := r.end(ctx, found)
		if from == 0 && !more {
			return nil // these were all, at one moment
		}
		if !more || ended == 0 {
			break
		}
		from += max(page-dropped, 0)
	}
	for found, err := range r.named(ctx, r.subject) {
		if err != nil && !errors.Is(err, errNoSession) {
			return err
		}
		r.missed = cmp.Or(r.missed, err)
		r.end(ctx, found)
	}
	return nil
}

// end ends the sessions of the subject that these entries name. It returns how
// many it ended, and how many entries it dropped from the set.
func (r *revocation) end(ctx context.Context, entries []entry) (ended, dropped int) {
	alive, over := r.sort(ctx, entries)
	for some := range slices.Chunk(alive, batch) {
		cmds := make([]command, len(some))
		for i, e := range some {
			// Send the text: a digest that the server does not know would fail in the
			// middle of the pipeline.
			cmds[i] = evaluate(ctx, "eval", removeScript.text, r.key(e.id), func(all []any) []any {
				return append(all, time.Now().UnixMilli(), r.subject)
			})
		}
		if failure := pipeline(ctx, r.Store, r.client, false, cmds); failure != nil {
			r.missed = cmp.Or(r.missed, failure)
			continue // with the sessions that can be reached
		}
		for i, cmd := range cmds {
			lease, ok := cmd.Val().(string)
			until, err := strconv.ParseInt(lease, 10, 64)
			switch {
			case !ok || err != nil && lease != "":
				r.missed = cmp.Or(r.missed, strange(cmd.Val()))
			case lease != "":
				ended++
				over = append(over, entry{some[i].id, until})
			}
		}
	}
	r.removed += ended
	r.leave(ctx, r.subject, over)
	return ended, len(over)
}

// sort returns the entries of sessions that are live, the subject's and not
// spared, and those that the set can drop. If it cannot tell, it takes a session
// for live, and the script decides.
func (r *revocation) sort(ctx context.Context, entries []entry) (alive, over []entry) {
	entries = slices.DeleteFunc(entries, func(e entry) bool { return r.spared[e.id] })
	if len(entries) == 0 {
		return nil, nil
	}
	heads := make([]get, len(entries))
	for i, e := range entries {
		heads[i] = newHead(ctx, r.key(e.id))
	}
	failure := pipeline(ctx, r.Store, r.client, true, heads)
	if ctx.Err() != nil {
		r.missed = cmp.Or(r.missed, failure, ctx.Err())
		return nil, nil // the client may still be at work
	}
	for i, head := range heads {
		value, err := head.Bytes()
		if err == nil && len(value) == 0 || errors.Is(err, redis.Nil) {
			over = append(over, entries[i])
			continue
		}
		if _, _, _, subject, _, ok := cut(value); err != nil || !ok || string(subject) == r.subject {
			alive = append(alive, entries[i])
		}
	}
	if failure != nil {
		return alive, nil
	}
	return alive, settled(over)
}
