package session

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A queue makes commits that lost a race for a session take turns. Without it,
// many requests on one session would each read and fail many times. With it, each
// reads once more, and then only other processes can be faster. Each session has
// its own line, while it is needed. A queue serves one Manager.
type queue struct {
	mu    sync.Mutex // guards lines, and the members of each
	lines map[ID]*line
}

// A line is the queue of one session.
type line struct {
	turn    chan struct{} // holds one element while a commit has the turn
	members int           // how many have the turn or wait for it
}

// enter waits for the turn, until ctx is done. leave gives it back.
func (q *queue) enter(ctx context.Context, id ID) (leave func(), err error) {
	q.mu.Lock()
	l := q.lines[id]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		if q.lines == nil {
			q.lines = make(map[ID]*line)
		}
		q.lines[id] = l
	}
	l.members++
	q.mu.Unlock()
	select {
	case l.turn <- struct{}{}:
		return func() { <-l.turn; q.quit(id, l) }, nil
	case <-ctx.Done():
		q.quit(id, l)
		return nil, ctx.Err()
	}
}

func (q *queue) quit(id ID, l *line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.members--; l.members == 0 {
		delete(q.lines, id)
	}
}

// A race is the state of one flush against faster writers.
type race struct {
	tries   int
	renamed int    // how often the new session has got another ID
	doubt   error  // the failure of a write that may have taken effect
	leave   func() // leaves the queue
}

// wait lets others go first before the next try. The first wait is for a turn in
// the queue. Each later one is a pause with full jitter: a random time below 4 ms,
// then below 8 ms, and so on up to 64 ms.
func (r *race) wait(ctx context.Context, q *queue, id ID) (err error) {
	if r.tries++; r.tries == 1 {
		r.leave, err = q.enter(ctx, id)
		return err
	}
	longest := time.Millisecond << min(r.tries, 6)
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// end gives back the turn, if there was one.
func (r *race) end() {
	if r.leave != nil {
		r.leave()
	}
}
