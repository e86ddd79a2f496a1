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

// removeSoonest removes the entry of all shards that expires soonest.
func (s *Store) removeSoonest() *entry {
	for {
		sh, at := s.soonest()
		if sh == nil {
			return nil // others have made room
		}
		if e := s.removeFirst(sh, at); e != nil {
			return e
		}
		// Others have changed that very session, and so have got on.
	}
}

// soonest returns the shard whose first entry expires before those of all
// others, and when; nil if all are empty.
func (s *Store) soonest() (found *shard, at int64) {
	at = math.MaxInt64
	for i := range s.shards {
		if first := s.shards[i].soonest.Load(); first < at {
			found, at = &s.shards[i], first
		}
	}
	return found, at
}

// removeFirst removes the first entry of a shard if it still expires then.
func (s *Store) removeFirst(sh *shard, at int64) *entry {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.byTime) == 0 || sh.byTime[0].expires != at {
		return nil
	}
	e := sh.byTime[0]
	s.remove(sh, e)
	return e
}
