package memory

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"

	session "github.com/gostateful/session/core"
)

// A shard holds the sessions whose ID hashes to it, so that calls for
// different sessions seldom wait for each other.
type shard struct {
	mu      sync.Mutex
	entries table[session.ID, *entry]
	byTime  heap
	turn    uint // the other shard that is cleaned next

	visitors, users recent // without a subject, and with one

	// soonest is when the first of byTime expires, and rank is that of dispensable.
	// Both can be read without the lock. They are MaxInt64 if there is none.
	soonest, rank atomic.Int64
}

// expireAtMost bounds how many expired sessions a call removes from a shard. A
// call cleans two shards and adds at most one session, so expired ones become
// fewer with each call.
const expireAtMost = 2

// index returns the shard of a session. The application makes the IDs, so no
// bits of them need be random. The seed keeps anyone from aiming at one shard.
func (s *Store) index(id session.ID) int {
	return int(maphash.Bytes(s.seed, id[:]) % shardCount)
}

// enter locks the shard of a session and removes some expired ones from it.
func (s *Store) enter(id session.ID, now int64) *shard {
	sh := &s.shards[s.index(id)]
	sh.mu.Lock()
	s.expire(sh, now)
	return sh
}

// leave unlocks a shard and removes some expired sessions from another. The
// others take turns, so that unused shards return memory too.
func (s *Store) leave(sh *shard, now int64) {
	other := &s.shards[sh.turn%shardCount]
	sh.turn++
	sh.mu.Unlock()
	if other.soonest.Load() <= now {
		other.mu.Lock()
		s.expire(other, now)
		other.mu.Unlock()
	}
}

func (s *Store) expire(sh *shard, now int64) {
	for n := 0; n < expireAtMost && len(sh.byTime) > 0 && sh.byTime[0].expired(now); n++ {
		s.remove(sh, sh.byTime[0])
	}
}

// live returns the entry of a live session, or nil.
func (sh *shard) live(id session.ID, now int64) *entry {
	if e := sh.entries.m[id]; e != nil && !e.expired(now) {
		return e
	}
	return nil
}

// The callers of insert, remove and moved have locked the shard.
func (s *Store) insert(sh *shard, e *entry, now int64) {
	sh.entries.put(e.id, e)
	sh.byTime.push(e)
	sh.moved()
	s.enlist(sh, e, now)
	s.link(e)
	s.count.Add(1)
}

func (s *Store) remove(sh *shard, e *entry) {
	sh.entries.remove(e.id)
	sh.byTime.remove(e)
	sh.moved()
	s.delist(sh, e)
	s.unlink(e)
	s.count.Add(-1)
}

// moved notes the expiry of the entry that is now in front.
func (sh *shard) moved() {
	soonest := int64(math.MaxInt64)
	if len(sh.byTime) > 0 {
		soonest = sh.byTime[0].expires
	}
	if sh.soonest.Load() != soonest {
		sh.soonest.Store(soonest)
	}
}

// load returns a live session. use says whether this counts as a use.
func (s *Store) load(id session.ID, now int64, use bool) (session.Record, error) {
	k, ok := s.get(id, now, use)
	if !ok {
		return session.Record{}, session.ErrNotFound
	}
	return k.record(), nil
}

func (s *Store) get(id session.ID, now int64, use bool) (k kept, ok bool) {
	sh := s.enter(id, now)
	if e := sh.live(id, now); e != nil {
		if use {
			s.use(sh, e, now)
		}
		k, ok = e.kept(), true
	}
	s.leave(sh, now)
	return k, ok
}

func (s *Store) create(e *entry, now int64) (evicted *entry, err error) {
	if s.max > 0 {
		s.creating.Lock()
		defer s.creating.Unlock()
		evicted = s.makeRoom(e, now)
	}
	sh := s.enter(e.id, now)
	defer s.leave(sh, now)
	if old := sh.entries.m[e.id]; old != nil {
		if !old.expired(now) {
			return evicted, session.ErrExists
		}
		s.remove(sh, old)
	}
	if !e.expired(now) {
		s.insert(sh, e, now)
	}
	return evicted, nil
}

func (s *Store) update(r session.Record, now int64) error {
	sh := s.enter(r.ID, now)
	defer s.leave(sh, now)
	e := sh.live(r.ID, now)
	switch {
	case e == nil:
		return session.ErrNotFound
	case e.version != r.Version:
		return session.ErrConflict
	}
	if !r.ExpiresAt.IsZero() { // zero keeps the stored one
		if e.expires = r.ExpiresAt.UnixMilli(); e.expired(now) {
			s.remove(sh, e)
			return nil
		}
		sh.byTime.fix(e)
		sh.moved()
	}
	e.version++
	e.data = text(r.Data)
	s.delist(sh, e)
	if e.owner() != r.Subject {
		s.unlink(e)
		e.rest = s.newRest(r.Subject)
		s.link(e)
	}
	s.enlist(sh, e, now)
	return nil
}

func (s *Store) touch(id session.ID, expires, now int64) error {
	sh := s.enter(id, now)
	defer s.leave(sh, now)
	e := sh.live(id, now)
	if e == nil {
		return session.ErrNotFound
	}
	if expires > e.expires {
		e.expires = expires
		sh.byTime.fix(e)
		sh.moved()
	}
	s.use(sh, e, now)
	return nil
}

func (s *Store) delete(id session.ID, now int64) {
	sh := s.enter(id, now)
	defer s.leave(sh, now)
	if e := sh.entries.m[id]; e != nil {
		s.remove(sh, e)
	}
}
