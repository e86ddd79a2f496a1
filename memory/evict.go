package memory

import "math"

// makeRoom sees to it that e can be created within the bound, and returns the
// live entry that had to go for it, if one had to. The caller holds creating:
// others can only make more room meanwhile.
func (s *Store) makeRoom(e *entry, now int64) (evicted *entry) {
	if s.Len() < s.max || e.expired(now) || s.has(e, now) {
		return nil
	}
	// What has expired is in front of everything else, so that no live
	// session goes while one that has expired is still there.
	if first := s.removeSoonest(); first != nil && !first.expired(now) {
		return first
	}
	return nil
}

func (s *Store) has(e *entry, now int64) bool {
	sh := &s.shards[s.index(e.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.live(e.id, now) != nil
}

// removeSoonest removes the entry of all shards that expires soonest. While
// others move expiries there is no such moment in all shards; then one of the
// first is removed.
func (s *Store) removeSoonest() *entry {
	for tries := 0; ; tries++ {
		sh, soonest := &s.shards[0], int64(math.MaxInt64)
		for i := range s.shards {
			if at := s.shards[i].soonest.Load(); at < soonest {
				sh, soonest = &s.shards[i], at
			}
		}
		if soonest == math.MaxInt64 {
			return nil // others have made room
		}
		sh.mu.Lock()
		if len(sh.byTime) > 0 && (sh.byTime[0].expires == soonest || tries == shardCount) {
			e := sh.byTime[0]
			s.remove(sh, e)
			sh.mu.Unlock()
			return e
		}
		sh.mu.Unlock()
	}
}
