package memory

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"

	session "github.com/gostateful/session/core"
)

// owners holds, of each subject that hashes to it, the first of the subject's
// sessions, which are linked. It is locked by who has an entry's shard locked,
// or has nothing locked.
type owners struct {
	mu    sync.Mutex
	first table[string, *entry]
}

func (s *Store) ownersOf(subject string) *owners {
	return &s.owners[maphash.String(s.seed, subject)%shardCount]
}

// link and unlink are called with the entry's shard locked.
func (s *Store) link(e *entry) {
	if e.subject == "" {
		return
	}
	o := s.ownersOf(e.subject)
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.next = o.first.m[e.subject]; e.next != nil {
		e.next.previous = e
	}
	o.first.put(e.subject, e)
}

func (s *Store) unlink(e *entry) {
	if e.subject == "" {
		return
	}
	o := s.ownersOf(e.subject)
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.next != nil {
		e.next.previous = e.previous
	}
	switch {
	case e.previous != nil:
		e.previous.next = e.next
	case e.next != nil:
		o.first.put(e.subject, e.next)
	default:
		o.first.remove(e.subject)
	}
	e.previous, e.next = nil, nil
}

// of returns the IDs of a subject's sessions; the empty one has none linked.
// Whether they are still the subject's, and live, shows under the lock of
// their shard.
func (s *Store) of(subject string) (ids []session.ID) {
	o := s.ownersOf(subject)
	o.mu.Lock()
	defer o.mu.Unlock()
	for e := o.first.m[subject]; e != nil; e = e.next {
		ids = append(ids, e.id)
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

	// All shards at once, so that nobody sees one session gone and then
	// another one still there.
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
		if e == nil || e.subject != subject {
			continue
		}
		if !e.expired(now) {
			n++
		}
		s.remove(sh, e)
	}
	return n
}
