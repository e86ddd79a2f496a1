package session

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"time"
)

// A conflictQueue lets the commits of one process that lost a race for a
// session go one after the other. Without it many requests on one session
// would each read and fail many times over; with it each reads once more, and
// only other processes can still be faster. Sessions share the 64 places.
type conflictQueue struct {
	seed   maphash.Seed
	places [64]chan struct{}
}

func newConflictQueue() conflictQueue {
	q := conflictQueue{seed: maphash.MakeSeed()}
	for i := range q.places {
		q.places[i] = make(chan struct{}, 1)
	}
	return q
}

// enter waits for a place, or until ctx is done, and returns what gives it back.
func (q *conflictQueue) enter(ctx context.Context, id ID) (leave func()) {
	// All of the ID counts: only that of NewID has random bytes at its end.
	place := q.places[maphash.Bytes(q.seed, id[:])%uint64(len(q.places))]
	select {
	case place <- struct{}{}:
		return func() { <-place }
	case <-ctx.Done():
		return func() {}
	}
}

// pause waits before another attempt: 1 to 64 ms at most, with full jitter.
func pause(ctx context.Context, attempt int) {
	longest := time.Millisecond << min(attempt, 6)
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
