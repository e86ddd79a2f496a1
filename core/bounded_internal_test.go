package session

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(context.WithValue(t.Context(), 1, 2)) //lint:ignore SA1029 any key will do
		quiet, waited := bound(parent, time.Second), bound(parent, time.Second)
		done := waited.Done()
		deadline, ok := quiet.Deadline()
		if !ok || !deadline.Equal(time.Now().Add(time.Second)) || quiet.Value(1) != 2 {
			t.Errorf("deadline %v, value %v", deadline, quiet.Value(1))
		}
		time.Sleep(time.Second - time.Nanosecond)
		if quiet.Err() != nil || waited.Err() != nil {
			t.Error("over before its time")
		}
		time.Sleep(time.Nanosecond)
		<-done
		for _, c := range []*bounded{quiet, waited} {
			if !errors.Is(c.Err(), context.DeadlineExceeded) {
				t.Errorf("got %v, want DeadlineExceeded", c.Err())
			}
		}
		quiet, waited = bound(parent, time.Second), bound(parent, time.Second)
		done = waited.Done()
		quiet.stop()
		waited.stop() // a timer that stayed would keep the bubble from ending
		<-done
		<-quiet.Done()
		if quiet.Err() != context.Canceled || waited.Err() != context.Canceled {
			t.Error("not over after stop")
		}
		quiet, waited = bound(parent, time.Hour), bound(parent, time.Hour)
		done = waited.Done()
		cancel()
		<-done
		if quiet.Err() != context.Canceled || waited.Err() != context.Canceled {
			t.Error("not over when the parent is")
		}
		end := time.Now().Add(time.Second)
		quiet, waited = detach(parent, end), detach(parent, end)
		done = waited.Done()
		if quiet.Err() != nil || waited.Err() != nil {
			t.Error("a detached context is over when its parent is")
		}
		time.Sleep(time.Second)
		<-done
		if quiet.Err() == nil || waited.Err() == nil {
			t.Error("a detached context has no deadline of its own")
		}
		waited.stop()
		short, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if d, _ := bound(short, time.Hour).Deadline(); !d.Equal(time.Now().Add(time.Second)) {
			t.Error("the parent's deadline is not kept")
		}
	})
}

// A guarded parent is asked while the context holds its mutex, or the test fails.
type guarded struct {
	context.Context
	t     *testing.T
	child *bounded
	asked int
}

func (g *guarded) Done() <-chan struct{} {
	g.asked++
	if g.child.mu.TryLock() {
		g.child.mu.Unlock()
		g.t.Error("stop could return while Done asks the parent")
	}
	return g.Context.Done()
}

// TestStopWaitsForDone: after stop nothing asks the parent, not even a Done that began
// before.
func TestStopWaitsForDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	parent := &guarded{Context: ctx, t: t}
	parent.child = bound(parent, time.Minute)
	parent.child.Done()
	parent.child.stop()
	if parent.asked == 0 {
		t.Error("Done has not asked the parent")
	}
}

// BenchmarkBounded compares a bounded context with one of the standard library,
// with a store that does not wait on Done.
func BenchmarkBounded(b *testing.B) {
	parent, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.Run("bound", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := bound(parent, time.Second)
			_ = c.Err()
			c.stop()
		}
	})
	b.Run("WithTimeout", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, stop := context.WithTimeout(parent, time.Second)
			_ = c.Err()
			stop()
		}
	})
}

// A reused context belongs to another request once over is set.
type reused struct {
	context.Context
	over  atomic.Bool
	asked atomic.Int32 // since then
}

func (r *reused) Value(key any) any {
	if r.over.Load() {
		r.asked.Add(1)
	}
	return r.Context.Value(key)
}

// TestBoundedLeavesParentAlone: contexts that a client has made from the
// context of a store call ask the parent for nothing after the call.
func TestBoundedLeavesParentAlone(t *testing.T) {
	for name, begin := range map[string]func(context.Context) *bounded{
		"bound":  func(parent context.Context) *bounded { return bound(parent, time.Minute) },
		"detach": func(parent context.Context) *bounded { return detach(parent, time.Now().Add(time.Minute)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent := &reused{Context: context.WithValue(context.Background(), &name, name)}
				b := begin(parent)
				if got := b.Value(&name); got != name {
					t.Errorf("got the value %v, want %v", got, name)
				}
				child, cancel := context.WithCancel(b)
				defer cancel()
				if got := child.Value(&name); got != name {
					t.Errorf("got the value %v of a context made from it, want %v", got, name)
				}
				parent.over.Store(true)
				b.stop()
				<-child.Done()
				synctest.Wait()
				if n := parent.asked.Load(); n > 0 {
					t.Errorf("the parent was asked for %d values after the call", n)
				}
			})
		})
	}
}
