package memory

import (
	"iter"

	session "github.com/gostateful/session/core"
)

// page is how many IDs are copied while a shard is locked.
const page = 256

// ids goes through the IDs of all sessions, expired or not. No lock is held while
// the caller has one.
func (s *Store) ids() iter.Seq[session.ID] {
	return func(yield func(session.ID) bool) {
		for i := range s.shards {
			for ids := range s.shards[i].pages() {
				for _, id := range ids {
					if !yield(id) {
						return
					}
				}
			}
		}
	}
}

// pages goes through the IDs of a shard. A map may change between two steps of a
// loop over it: what stays in it comes exactly once, as the language has it. The
// lock sees to it that it does not change in the midst of a step. When a table
// moves to a smaller map, the loop goes on over the old one, which has all that
// was there then; who was removed since is not found any more.
func (sh *shard) pages() iter.Seq[[]session.ID] {
	return func(yield func([]session.ID) bool) {
		ids := make([]session.ID, 0, page)
		sh.mu.Lock()
		for id := range sh.entries.m {
			if ids = append(ids, id); len(ids) < page {
				continue
			}
			sh.mu.Unlock()
			if !yield(ids) {
				return
			}
			ids = ids[:0]
			sh.mu.Lock()
		}
		sh.mu.Unlock()
		yield(ids)
	}
}
