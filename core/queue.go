package session

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A queue lets the commits of one process that lost a race for a session go one
// after the other. Without it many requests on one session would each read and
// fail many times over; with it each reads once more, and only other processes
// can still be faster. Each session has a queue of its own, while it is needed.
type queue struct {
	mu    sync.Mutex // guards the map, and how many wait at each place
	lines map[ID]*line
}

// A line is the queue of one session.
type line struct {
	turn    chan struct{} // holds one element while somebody has the turn
	members int
}

// enter waits for a turn, or until ctx is done. leave gives it back.
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

// A race is what one flush has had to do because others were faster.
type race struct {
	tries   int
	renamed int    // how often the new session has got another ID
	doubt   error  // the failure of a try that may have taken effect
	leave   func() // the queue of the session
}

// wait lets others go first before the next try: at first those of this process
// that lost too, then anybody, for 1 to 64 ms at most, with full jitter.
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
