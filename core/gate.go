package session

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// A gate lets in one caller at a time to change a visit, load or commit it.
// Nothing is locked meanwhile: whoever is inside works with the store and runs
// the application's functions, and others can read what was shown last.
//
// What a visit and an Exchange keep belongs to who is inside. What others may
// read is written from inside, with mu held for a moment.
type gate struct {
	mu       sync.Mutex      // guards the fields here, and what is shown
	busy     bool            // somebody is inside
	updating bool            // and runs an Update function
	waiting  []chan struct{} // closed when their turn has come, in order
	phase    phase
}

// A phase is how far the response to a request has come.
type phase uint8

const (
	handling   phase = iota // the handler is at work, and nothing has been sent
	committing              // nothing can be changed
	sent                    // the header has been sent: nothing that needs a cookie
	over                    // nothing at all
)

// enter waits for a turn, until ctx is done. It fails at once where the turn could
// never come: inside of the caller's own Update function.
func (g *gate) enter(ctx context.Context) error {
	if g.free() {
		return nil
	}
	if g.runsUpdate() && insideUpdate() {
		return errInsideUpdate
	}
	turn := make(chan struct{})
	g.mu.Lock()
	if g.waiting = append(g.waiting, turn); !g.busy { // the other has left meanwhile
		g.busy = true
		g.pass()
	}
	g.mu.Unlock()
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

// free takes the turn if nobody has it.
func (g *gate) free() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	free := !g.busy
	g.busy = true
	return free
}

// leave hands the turn to whoever has waited longest, so that nobody starves.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass()
}

func (g *gate) pass() {
	if len(g.waiting) == 0 {
		g.busy = false
		return
	}
	close(g.waiting[0])
	g.waiting = g.waiting[1:]
}

// giveUp stops waiting. The turn may have come meanwhile: then it goes on.
func (g *gate) giveUp(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, turn); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return
	}
	g.pass()
}

func (g *gate) at() phase {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.phase
}

func (g *gate) become(p phase) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.phase = p
}

func (g *gate) runsUpdate() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.updating
}

func (g *gate) setUpdating(is bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.updating = is
}

// runUpdate is the frame by which insideUpdate knows the caller.
//
//go:noinline
func (g *gate) runUpdate(edit edit, old content) (content, error) {
	g.setUpdating(true)
	defer g.setUpdating(false)
	return edit(old)
}

// insideUpdate reports whether an Update function is on the caller's stack. Only
// callers that must wait for one pay for it.
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
