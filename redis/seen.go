package sessionredis

import (
	"hash/maphash"
	"sync/atomic"

	session "github.com/gostateful/session/core"
)

// seen remembers whose the sessions were that the store has met lately, and their
// leases. An Update that expects both as they are stored is the fastest, and one
// that needs a longer lease begins with the subject's set, instead of asking first.
// To be wrong costs a round trip and nothing else, so it forgets as it likes: each
// session shares its place with others.
type seen struct {
	seed   maphash.Seed
	places [1024]place
}

// A place may hold the mark of one session and the lease of another, which is one
// more way to be wrong.
type place struct {
	mark  atomic.Uint64
	lease atomic.Int64
}

func (s *seen) place(id session.ID, subject string) (p *place, mark uint64) {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(id[:])
	h.WriteString(subject)
	return &s.places[maphash.Bytes(s.seed, id[:])%uint64(len(s.places))], h.Sum64()
}

func (s *seen) remember(id session.ID, subject string, lease int64) {
	if subject == "" {
		return // has none
	}
	p, mark := s.place(id, subject)
	p.lease.Store(lease)
	p.mark.Store(mark)
}

// lease returns the lease of a session, or zero.
func (s *seen) lease(id session.ID, subject string) int64 {
	if subject == "" {
		return 0
	}
	p, mark := s.place(id, subject)
	if p.mark.Load() != mark {
		return 0
	}
	return p.lease.Load()
}
