package memory

import (
	"fmt"
	"math"
)

// ExpireAtMost is how many expired sessions a call may remove.
const ExpireAtMost = 2 * expireAtMost

// Check reports the first way in which the parts of the store disagree. Nobody
// may use the store meanwhile.
func (s *Store) Check() error {
	total, owned := 0, map[*entry]bool{}
	for i := range s.owners {
		for hash, first := range s.owners[i].first.m {
			if first == nil {
				return fmt.Errorf("owners %d: %x has no session", i, hash)
			}
			for e, before := first, (*entry)(nil); e != nil; before, e = e, e.next {
				o, itsHash := s.ownersOf(e.owner())
				if e.owner() == "" || o != &s.owners[i] || itsHash != hash || e.previous != before || owned[e] {
					return fmt.Errorf("owners %d: %v of %q is linked wrongly", i, e.id, e.owner())
				}
				owned[e] = true
			}
		}
	}
	for i := range s.shards {
		sh := &s.shards[i]
		total += len(sh.entries.m)
		if len(sh.byTime) != len(sh.entries.m) {
			return fmt.Errorf("shard %d: %d entries, and %d of them by time", i, len(sh.entries.m), len(sh.byTime))
		}
		soonest := int64(math.MaxInt64)
		for place, e := range sh.byTime {
			soonest = min(soonest, e.expires)
			switch {
			case e.place != place || sh.byTime[(place-1)/2].expires > e.expires:
				return fmt.Errorf("shard %d: %v is at the wrong place", i, e.id)
			case sh.entries.m[e.id] != e || s.index(e.id) != i:
				return fmt.Errorf("shard %d: %v is another entry", i, e.id)
			case owned[e] != (e.owner() != ""):
				return fmt.Errorf("shard %d: %v of %q: linked: %v", i, e.id, e.owner(), owned[e])
			case (e.rest != nil) != (s.max > 0 || e.owner() != ""):
				return fmt.Errorf("shard %d: %v of %q: has a rest: %v", i, e.id, e.owner(), e.rest != nil)
			}
			delete(owned, e)
		}
		if err := s.checkOrder(sh); err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
		if sh.soonest.Load() != soonest {
			return fmt.Errorf("shard %d: expires first at %d, and says %d", i, soonest, sh.soonest.Load())
		}
	}
	if len(owned) > 0 {
		return fmt.Errorf("%d entries are linked and not there", len(owned))
	}
	if s.Len() != total {
		return fmt.Errorf("Len: got %d, want %d", s.Len(), total)
	}
	return nil
}

// Places returns how many entries the store has taken memory for.
func (s *Store) Places() (n int) {
	for i := range s.shards {
		n += max(s.shards[i].entries.peak, cap(s.shards[i].byTime))
	}
	for i := range s.owners {
		n += s.owners[i].first.peak
	}
	return n
}

// PlacesAtLeast is how many places an empty store may keep.
const PlacesAtLeast = 3 * shardCount * tableMin

// Fullest is how many sessions are in the shard that has the most.
func (s *Store) Fullest() (n int) {
	for i := range s.shards {
		n = max(n, len(s.shards[i].byTime))
	}
	return n
}

// RemoveAfter lets something happen between the two steps of an eviction, and
// reports whether the session was removed.
func (s *Store) RemoveAfter(something func()) bool {
	sh, at := s.lowest(rankOf)
	something()
	return s.removeRanked(sh, at) != nil
}

// checkOrder reports how the order of a shard's lists is broken.
func (s *Store) checkOrder(sh *shard) error {
	listed, first := 0, int64(math.MaxInt64)
	for _, l := range []*recent{&sh.visitors, &sh.users} {
		var before *entry
		for e := l.first; e != nil; before, e = e, e.newer {
			if e.older != before || sh.like(e) != l || sh.entries.m[e.id] != e {
				return fmt.Errorf("%v of %q is listed wrongly", e.id, e.owner())
			}
			if listed++; first == math.MaxInt64 {
				first = rank(e)
			}
		}
		if l.last != before {
			return fmt.Errorf("a list ends wrongly")
		}
	}
	want := len(sh.entries.m)
	if s.max <= 0 {
		want = 0
	}
	if listed != want || sh.rank.Load() != first {
		return fmt.Errorf("%d of %d are listed, the first with rank %d, and it says %d", listed, want, first, sh.rank.Load())
	}
	return nil
}

// MovesOfTable fills a table and empties it, and returns how many entries moved to
// smaller maps, in all and at most at once.
func MovesOfTable(many int) (all, most int) {
	var t table[int, int]
	for i := range many {
		t.put(i, i)
	}
	for i, peak := 0, t.peak; i < many; i++ {
		if t.remove(i); t.peak < peak {
			peak = t.peak
			all, most = all+len(t.m), max(most, len(t.m))
		}
	}
	return all, most
}

// MovesOfHeap is MovesOfTable for a heap.
func MovesOfHeap(many int) (all, most int) {
	var h heap
	for i := range many {
		h.push(&entry{expires: int64(i)})
	}
	for size := cap(h); len(h) > 0; {
		if h.remove(h[0]); cap(h) < size {
			size = cap(h)
			all, most = all+len(h), max(most, len(h))
		}
	}
	return all, most
}
