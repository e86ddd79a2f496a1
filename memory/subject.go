package memory

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"

	session "github.com/gostateful/session/core"
)

// owners maps the hash of a subject to the first of its linked sessions. The
// hash saves a second copy of the subject. In theory two subjects share a list.
// Lock it with an entry's shard locked, or with nothing locked.
type owners struct {
	mu    sync.Mutex
	first table[uint64, *entry]
}

func (s *Store) ownersOf(subject string) (o *owners, hash uint64) {
	hash = maphash.String(s.seed, subject)
	return &s.owners[hash%shardCount], hash
}

// link and unlink are called with the entry's shard locked.
func (s *Store) link(e *entry) {
	if e.owner() == "" {
		return
	}
	o, hash := s.ownersOf(e.subject)
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.next = o.first.m[hash]; e.next != nil {
		e.next.previous = e
	}
	o.first.put(hash, e)
}

func (s *Store) unlink(e *entry) {
	if e.owner() == "" {
		return
	}
	o, hash := s.ownersOf(e.subject)
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.next != nil {
		e.next.previous = e.previous
	}
	switch {
	case e.previous != nil:
		e.previous.next = e.next
	case e.next != nil:
		o.first.put(hash, e.next)
	default:
		o.first.remove(hash)
	}
	e.previous, e.next = nil, nil
}

// of returns the IDs of a subject's sessions; the empty subject has none. Only
// the lock of their shard shows whether they are still live, and still the
// subject's.
func (s *Store) of(subject string) (ids []session.ID) {
	o, hash := s.ownersOf(subject)
	o.mu.Lock()
	defer o.mu.Unlock()
	for e := o.first.m[hash]; e != nil; e = e.next {
		if e.subject == subject {
			ids = append(ids, e.id)
		}
	}
	return ids
}

func (s *Store) list(subject string, now int64) []session.Record {
	var records []session.Record
	for _, id := range s.of(subject) {
		if r, err := s.load(id, now, false); err == nil && r.Subject == subject {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return records
}

func (s *Store) deleteAll(subject string, except []session.ID, now int64) (n int) {
	spared := make(map[session.ID]bool, len(except))
	for _, id := range except {
		spared[id] = true
	}
	ids := slices.DeleteFunc(s.of(subject), func(id session.ID) bool { return spared[id] })

	// Lock all shards at once, so that nobody sees one session gone and another
	// still there.
	var involved [shardCount]bool
	for _, id := range ids {
		involved[s.index(id)] = true
	}
	for i := range s.shards {
		if involved[i] {
			s.shards[i].mu.Lock()
			defer s.shards[i].mu.Unlock()
		}
	}
	for _, id := range ids {
		sh := &s.shards[s.index(id)]
		e := sh.entries.m[id]
		if e == nil || e.owner() != subject {
			continue
		}
		if !e.expired(now) {
			n++
		}
		s.remove(sh, e)
	}
	return n
}
