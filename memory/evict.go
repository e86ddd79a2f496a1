package memory

import "math"

// makeRoom sees to it that e can be created within the bound, and returns the
// live entry that had to go for it, if one had to. The caller holds creating:
// others can only make more room meanwhile.
func (s *Store) makeRoom(e *entry, now int64) (evicted *entry) {
	if s.Len() < s.max || e.expired(now) || s.has(e, now) {
		return nil
	}
	for {
		if sh, at := s.lowest(soonestOf); at <= now {
			if s.removeExpired(sh, now) {
				return nil
			}
			continue // others have removed it
		}
		sh, at := s.lowest(rankOf)
		if sh == nil {
			return nil // others have made room
		}
		if e := s.removeRanked(sh, at); e != nil {
			return e
		}
		// Others have used that very session, and so have got on.
	}
}

func (s *Store) has(e *entry, now int64) bool {
	sh := &s.shards[s.index(e.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.live(e.id, now) != nil
}

func soonestOf(sh *shard) int64 { return sh.soonest.Load() }
func rankOf(sh *shard) int64    { return sh.rank.Load() }

// lowest returns the shard of which something is lower than of all others, and
// that; nil if all are empty.
func (s *Store) lowest(of func(*shard) int64) (found *shard, at int64) {
	at = math.MaxInt64
	for i := range s.shards {
		if first := of(&s.shards[i]); first < at {
			found, at = &s.shards[i], first
		}
	}
	return found, at
}

// removeExpired removes an entry of a shard that has expired.
func (s *Store) removeExpired(sh *shard, now int64) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.byTime) == 0 || !sh.byTime[0].expired(now) {
		return false
	}
	s.remove(sh, sh.byTime[0])
	return true
}

// removeRanked removes what is dispensable in a shard if it still has this rank.
func (s *Store) removeRanked(sh *shard, at int64) *entry {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := sh.dispensable()
	if e == nil || rank(e) != at {
		return nil
	}
	s.remove(sh, e)
	return e
}
