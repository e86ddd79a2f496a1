package memory

import "math"

// makeRoom makes room for e within the bound, and returns the live entry that
// it removed for this, if any. The caller holds creating, so meanwhile others
// can only make more room.
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
		// Others have used that session meanwhile, and so have made progress.
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

// lowest returns the shard for which of returns the lowest value, and that
// value. It returns nil if all shards are empty.
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

// removeRanked removes the dispensable entry of a shard if it still has this
// rank.
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
