package session

import (
	"context"
	"sync"
	"time"
)

// bounded is a context with a deadline, like that of context.WithDeadline. It sets
// up its timer only when Done is called. A store in memory never calls it, and a
// client that sets the deadline on its socket need not. A bounded load then costs
// one allocation instead of four.
type bounded struct {
	context.Context
	deadline time.Time
	detached bool // ignores the end of the parent

	mu     sync.Mutex
	timed  context.Context // nil until Done or stop
	cancel context.CancelFunc
}

// bound returns a context that ends with parent, or after timeout.
func bound(parent context.Context, timeout time.Duration) *bounded {
	deadline := time.Now().Add(timeout)
	if d, ok := parent.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return &bounded{Context: parent, deadline: deadline}
}

// detach is bound that ignores the parent's cancellation and deadline (law 8).
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

// Value asks the timed context, once there is one. So the context package
// recognises its own kind, and a context made from this one needs no goroutine.
// Such a goroutine could ask the parent for a value after the request, when
// fiber has reused the parent's memory.
func (c *bounded) Value(key any) any {
	c.mu.Lock()
	timed := c.timed
	c.mu.Unlock()
	if timed != nil {
		return timed.Value(key)
	}
	return c.Context.Value(key)
}

// canceled is the timed context of a bounded that was stopped before Done was
// called.
var canceled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// stop releases the timer. The context is canceled from then on.
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
