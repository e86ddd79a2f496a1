package sessionredis

import (
	"hash/maphash"
	"sync/atomic"

	session "github.com/gostateful/session/core"
)

// seen remembers whose the sessions were that the store has met lately. An
// Update to another subject then begins with the subject's set, instead of
// asking first. To be wrong costs a round trip and nothing else, so it forgets
// as it likes: each session shares its place with others.
type seen struct {
	seed   maphash.Seed
	places [1024]atomic.Uint64
}

func (s *seen) place(id session.ID, subject string) (place *atomic.Uint64, mark uint64) {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(id[:])
	h.WriteString(subject)
	return &s.places[maphash.Bytes(s.seed, id[:])%uint64(len(s.places))], h.Sum64()
}

func (s *seen) remember(id session.ID, subject string) {
	place, mark := s.place(id, subject)
	place.Store(mark)
}

func (s *seen) remembers(id session.ID, subject string) bool {
	place, mark := s.place(id, subject)
	return place.Load() == mark
}
