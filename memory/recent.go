package memory

import "math"

// A recent is a list of sessions in the order of their last use, the longest
// ago first.
type recent struct{ first, last *entry }

func (l *recent) push(e *entry) {
	if e.older = l.last; e.older != nil {
		e.older.newer = e
	} else {
		l.first = e
	}
	l.last = e
}

func (l *recent) remove(e *entry) {
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		l.first = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		l.last = e.older
	}
	e.older, e.newer = nil, nil
}

// A shard has two lists: the sessions of visitors go before those of users.
// rank follows this order, and then the order of last use.
const ofUsers = int64(1) << 62

func rank(e *entry) int64 {
	if e.owned != nil {
		return ofUsers + e.used
	}
	return e.used
}

// like returns the list that an entry belongs to.
func (sh *shard) like(e *entry) *recent {
	if e.owned != nil {
		return &sh.users
	}
	return &sh.visitors
}

// The callers of enlist, delist, use and dispensable have locked the shard. In
// a store without a bound, enlist, delist and use do nothing: it needs no
// order.
func (s *Store) enlist(sh *shard, e *entry, now int64) {
	if s.max > 0 {
		e.used = now
		sh.like(e).push(e)
		sh.noteRank()
	}
}

func (s *Store) delist(sh *shard, e *entry) {
	if s.max > 0 {
		sh.like(e).remove(e)
		sh.noteRank()
	}
}

func (s *Store) use(sh *shard, e *entry, now int64) {
	s.delist(sh, e)
	s.enlist(sh, e, now)
}

// dispensable returns the entry to remove first, or nil.
func (sh *shard) dispensable() *entry {
	if sh.visitors.first != nil {
		return sh.visitors.first
	}
	return sh.users.first
}

// noteRank notes the rank of the dispensable entry.
func (sh *shard) noteRank() {
	first := int64(math.MaxInt64)
	if e := sh.dispensable(); e != nil {
		first = rank(e)
	}
	if sh.rank.Load() != first {
		sh.rank.Store(first)
	}
}
