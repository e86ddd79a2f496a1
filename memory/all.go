package memory

import (
	"iter"

	session "github.com/gostateful/session/core"
)

// page is how many IDs one step copies while a shard is locked.
const page = 256

// ids iterates over the IDs of all sessions, expired or not. No lock is held
// while the caller works on one.
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

// pages iterates over the IDs of a shard. The map may change between two steps
// of the loop: the language promises that an entry that stays comes exactly
// once. The lock prevents changes during a step. If the table moves to a
// smaller map, the loop goes on over the old one. That still has all entries of
// the time, and the caller no longer finds those that were removed since.
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
