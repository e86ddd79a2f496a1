package sessionredis

import (
	"hash/maphash"
	"sync/atomic"

	session "github.com/gostateful/session/core"
)

// seen remembers the subjects and the leases of sessions that the store has met
// lately. An Update is fastest if it expects both as they are stored. An Update
// that needs a longer lease can begin with the subject's set, instead of asking
// first. A wrong memory costs only a round trip. So sessions share places, and
// the latest one overwrites the others.
type seen struct {
	seed   maphash.Seed
	places [1024]place
}

// A place may hold the mark of one session and the lease of another: one more
// way to be wrong.
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
		return // it has no lease
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
