package session

import (
	"context"
	"sync/atomic"
	"time"
)

// bounded is a context with a deadline, like that of context.WithDeadline. It sets
// up its timer only when Done is called. A store in memory never calls it, and a
// client that sets the deadline on its socket need not. A bounded load then costs
// one allocation instead of four.
type bounded struct {
	context.Context
	deadline time.Time
	detached bool                  // ignores the end of the parent
	timer    atomic.Pointer[timer] // nil until Done or stop
}

// timer is a context that ends by a timer, or by stop.
type timer struct {
	context.Context
	stop context.CancelFunc
}

// bound returns a context that ends with parent, or after timeout.
func bound(parent context.Context, timeout time.Duration) *bounded {
	deadline := time.Now().Add(timeout)
	if d, ok := parent.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return &bounded{Context: parent, deadline: deadline}
}

// detach returns a context that ends at the deadline, whatever happens to parent
// (law 8).
func detach(parent context.Context, deadline time.Time) *bounded {
	return &bounded{Context: parent, deadline: deadline, detached: true}
}

func (c *bounded) Deadline() (time.Time, bool) { return c.deadline, true }

func (c *bounded) Done() <-chan struct{} {
	if t := c.timer.Load(); t != nil {
		return t.Done()
	}
	parent := c.Context
	if c.detached {
		parent = context.WithoutCancel(parent)
	}
	var t timer
	t.Context, t.stop = context.WithDeadline(parent, c.deadline)
	if !c.timer.CompareAndSwap(nil, &t) { // another caller was first
		t.stop()
	}
	return c.timer.Load().Done()
}

func (c *bounded) Err() error {
	switch t := c.timer.Load(); {
	case t != nil:
		return t.Err()
	case !c.detached && c.Context.Err() != nil:
		return c.Context.Err()
	case time.Until(c.deadline) <= 0:
		return context.DeadlineExceeded
	}
	return nil
}

// Value asks the timer, once there is one. So the context package
// recognises its own kind, and a context made from this one needs no goroutine.
// Such a goroutine could ask the parent for a value after the request, when
// fiber has reused the parent's memory.
func (c *bounded) Value(key any) any {
	if t := c.timer.Load(); t != nil {
		return t.Value(key)
	}
	return c.Context.Value(key)
}

// canceled is the timer of a bounded that was stopped before Done was called.
var canceled = func() *timer {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return &timer{ctx, cancel}
}()

// stop releases the timer. The context is canceled from then on.
func (c *bounded) stop() {
	if !c.timer.CompareAndSwap(nil, canceled) {
		c.timer.Load().stop()
	}
}
