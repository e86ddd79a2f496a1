package session

import (
	"context"
	"sync"
	"time"
)

// bounded is a context with a deadline, like that of context.WithDeadline, but
// sets up its timer only when someone waits on Done. A store in memory never
// does, and a client that sets the deadline on its socket need not: that makes
// a bounded load cost one allocation instead of four.
type bounded struct {
	context.Context
	deadline time.Time
	detached bool // the end of the parent is not heeded

	mu     sync.Mutex
	timed  context.Context // nil until Done or stop
	cancel context.CancelFunc
}

func bound(parent context.Context, timeout time.Duration) *bounded {
	deadline := time.Now().Add(timeout)
	if d, ok := parent.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return &bounded{Context: parent, deadline: deadline}
}

// detach is bound without the cancellation and the deadline of the parent (law 8).
func detach(parent context.Context, timeout time.Duration) *bounded {
	return &bounded{Context: parent, deadline: time.Now().Add(timeout), detached: true}
}

func (c *bounded) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *bounded) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		parent := c.Context
		if c.detached {
			parent = context.WithoutCancel(parent)
		}
		c.timed, c.cancel = context.WithDeadline(parent, c.deadline)
	}
	return c.timed.Done()
}

func (c *bounded) Err() error {
	c.mu.Lock()
	timed := c.timed
	c.mu.Unlock()
	switch {
	case timed != nil:
		return timed.Err()
	case !c.detached && c.Context.Err() != nil:
		return c.Context.Err()
	case !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

// canceled is what a bounded context that nobody waited on is after its stop.
var canceled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// stop releases the timer; the context is canceled from then on.
func (c *bounded) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed = canceled
		return
	}
	if c.cancel != nil {
		c.cancel()
	}
}
