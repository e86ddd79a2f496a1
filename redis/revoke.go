package sessionredis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
)

// DeleteAll implements session.Store. The set of the subject may name many more
// sessions than are alive. So DeleteAll begins with the longest leases, mostly
// those of the newest sessions, and goes on while it finds live ones. Then it
// looks at the whole set. It takes one round trip for every 1024 entries, one
// more to look at these, and one for every 256 sessions that are alive. After
// an error some sessions may be gone and others not: call it again.
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
	for from := 0; ; from += page {
		ids, more, err := r.newest(ctx, r.subject, from)
		if err != nil && !errors.Is(err, errNoSession) {
			return err
		}
		r.missed = cmp.Or(r.missed, err)
		alive := r.end(ctx, ids)
		if from == 0 && !more {
			return nil // these were all, at one moment
		}
		if !more || alive == 0 {
			break
		}
	}
	for ids, err := range r.named(ctx, r.subject) {
		if err != nil && !errors.Is(err, errNoSession) {
			return err
		}
		r.missed = cmp.Or(r.missed, err)
		r.end(ctx, ids)
	}
	return nil
}

// end ends the sessions of the subject among ids, and returns how many it found
// alive.
func (r *revocation) end(ctx context.Context, ids []session.ID) int {
	alive := r.alive(ctx, ids)
	for some := range slices.Chunk(alive, batch) {
		cmds := make([]command, len(some))
		for i, id := range some {
			// Send the text: a digest that the server does not know would fail in the
			// middle of the pipeline.
			cmds[i] = evaluate(ctx, "eval", removeScript.text, r.key(id), func(all []any) []any {
				return append(all, time.Now().UnixMilli(), r.subject)
			})
		}
		if failure := pipeline(ctx, r.Store, r.client, false, cmds); failure != nil {
			r.missed = cmp.Or(r.missed, failure)
			continue // with the sessions that can be reached
		}
		for _, cmd := range cmds {
			switch answer := cmd.Val(); answer {
			case done:
				r.removed++
			case absent:
			default:
				r.missed = cmp.Or(r.missed, strange(answer))
			}
		}
	}
	return len(alive)
}

// alive returns the sessions among ids that are live, the subject's and not
// spared. If it cannot tell, it keeps a session, and the script decides.
func (r *revocation) alive(ctx context.Context, ids []session.ID) []session.ID {
	ids = slices.DeleteFunc(ids, func(id session.ID) bool { return r.spared[id] })
	if len(ids) == 0 {
		return nil
	}
	heads := make([]get, len(ids))
	for i, id := range ids {
		heads[i] = newHead(ctx, r.key(id))
	}
	failure := pipeline(ctx, r.Store, r.client, true, heads)
	if ctx.Err() != nil {
		r.missed = cmp.Or(r.missed, failure, ctx.Err())
		return nil // the client may still be at work
	}
	var alive []session.ID
	for i, head := range heads {
		value, err := head.Bytes()
		if err == nil && len(value) == 0 || errors.Is(err, redis.Nil) {
			continue
		}
		if _, _, _, subject, _, ok := cut(value); err != nil || !ok || string(subject) == r.subject {
			alive = append(alive, ids[i])
		}
	}
	return alive
}
