package session

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A gate lets in one caller at a time to load, change or commit a visit. The
// caller inside may call the store and the application's functions. No lock is
// held meanwhile, so others can read what was shown last.
//
// Only the caller inside uses the fields of a visit and an Exchange. It holds
// mu only while it writes what others may read.
type gate struct {
	state    atomic.Uint32   // while others may wait, it changes only with mu held
	mu       sync.Mutex      // guards waiting, and what is shown
	waiting  []chan struct{} // in order; each is closed when its turn comes
	updating atomic.Bool     // the caller inside runs an Update function
	phase    atomic.Uint32   // a phase
}

const (
	gateFree    = iota // nobody is inside
	gateTaken          // a caller is inside, and nobody waits
	gateAwaited        // a caller is inside, and others may wait
)

// A phase is how far the response to a request has come.
type phase uint32

const (
	handling   phase = iota // nothing has been sent: all changes are possible
	committing              // the commit runs: no change is possible
	sent                    // the header has been sent: changes that need a cookie are not possible
	over                    // the request is over: no change is possible
)

// enter waits for a turn, until ctx is done. Inside the caller's own Update
// function the turn could never come, so enter fails at once.
func (g *gate) enter(ctx context.Context) error {
	if g.state.CompareAndSwap(gateFree, gateTaken) {
		return nil
	}
	if g.updating.Load() && insideUpdate() {
		return errInsideUpdate
	}
	turn := make(chan struct{})
	if !g.queue(turn) {
		return nil
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		g.giveUp(turn)
		if ctx.Err() == context.Canceled {
			return errClientLeft
		}
		return unavailable("wait for another goroutine of the request", ctx.Err())
	}
}

// queue lines the caller up. It returns false if the one inside has left
// meanwhile: the caller then has the turn.
func (g *gate) queue(turn chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state.Swap(gateAwaited) == gateFree {
		return false
	}
	g.waiting = append(g.waiting, turn)
	return true
}

// leave gives the turn to the caller that has waited longest, so none starves.
func (g *gate) leave() {
	if g.state.CompareAndSwap(gateTaken, gateFree) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass()
}

// pass gives the turn to the next caller, if one waits. mu is held.
func (g *gate) pass() {
	if len(g.waiting) == 0 {
		g.state.Store(gateFree)
		return
	}
	close(g.waiting[0])
	g.waiting = g.waiting[1:]
}

// giveUp stops waiting. If the turn has come meanwhile, the next caller gets it.
func (g *gate) giveUp(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, turn); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return
	}
	g.pass()
}

func (g *gate) at() phase { return phase(g.phase.Load()) }

func (g *gate) become(p phase) { g.phase.Store(uint32(p)) }

// runUpdate runs an Update function. insideUpdate looks for this frame on the
// stack.
//
//go:noinline
func (g *gate) runUpdate(edit edit, old content) (content, error) {
	g.updating.Store(true)
	defer g.updating.Store(false)
	return edit(old)
}

// insideUpdate reports whether an Update function is on the caller's stack. It is
// slow. Only a caller that would wait for an Update function pays for it.
func insideUpdate() bool {
	var callers [64]uintptr
	for skip := 2; ; skip += len(callers) {
		n := runtime.Callers(skip, callers[:])
		frames := runtime.CallersFrames(callers[:n])
		for {
			frame, more := frames.Next()
			if frame.Function == "github.com/gostateful/session/core.(*gate).runUpdate" {
				return true
			}
			if !more {
				break
			}
		}
		if n < len(callers) {
			return false
		}
	}
}
