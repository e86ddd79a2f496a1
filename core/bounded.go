package session

import (
	"context"
	"sync"
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
	detached bool // ignores the end of the parent

	mu    sync.Mutex            // held while timed is set, so that nothing asks the parent after stop
	timed atomic.Pointer[timed] // nil until Done or stop
}

// A timed is a context whose timer runs. stop ends it early.
type timed struct {
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
	if t := c.timed.Load(); t != nil {
		return t.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed.Load() == nil {
		parent := c.Context
		if c.detached {
			parent = context.WithoutCancel(parent)
		}
		var t timed
		t.Context, t.stop = context.WithDeadline(parent, c.deadline)
		c.timed.Store(&t)
	}
	return c.timed.Load().Done()
}

func (c *bounded) Err() error {
	switch t := c.timed.Load(); {
	case t != nil:
		return t.Err()
	case !c.detached && c.Context.Err() != nil:
		return c.Context.Err()
	case time.Until(c.deadline) <= 0:
		return context.DeadlineExceeded
	}
	return nil
}

// Value asks the timed context, once there is one. So the context package
// recognises its own kind, and a context made from this one needs no goroutine.
// Such a goroutine could ask the parent for a value after the request, when
// fiber has reused the parent's memory.
func (c *bounded) Value(key any) any {
	if t := c.timed.Load(); t != nil {
		return t.Value(key)
	}
	return c.Context.Value(key)
}

// canceled is the timed context of a bounded that was stopped before Done was
// called.
var canceled = func() *timed {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return &timed{ctx, cancel}
}()

// stop releases the timer. The context is canceled from then on.
func (c *bounded) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.timed.Load(); t != nil {
		t.stop()
	} else {
		c.timed.Store(canceled)
	}
}
