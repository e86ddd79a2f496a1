package session

import (
	"runtime"
	"sync"
)

// A gate lets in one caller at a time to change a visit, load or commit it.
// Nothing is locked meanwhile: whoever is inside works with the store and runs
// the application's functions, and others can read what was published last.
//
// What a visit and an Exchange keep belongs to who is inside. What others may
// read is written from inside, with mu held for a moment.
type gate struct {
	mu      sync.Mutex      // guards the fields here, and what is published
	busy    bool            // somebody is inside
	waiting []chan struct{} // closed when their turn has come, in order
	phase   phase
}

// A phase is how far the response to a request has come.
type phase uint8

const (
	open phase = iota
	sent       // the header has been sent: nothing that needs a cookie
	over       // nothing at all
)

// enter waits for a turn. It fails only where that could never come: inside of
// the caller's own Update function.
func (g *gate) enter() error {
	if g.free() {
		return nil
	}
	if insideUpdate() {
		return errInsideUpdate
	}
	g.mu.Lock()
	turn := make(chan struct{})
	if g.waiting = append(g.waiting, turn); !g.busy { // the other has left meanwhile
		g.busy = true
		g.pass()
	}
	g.mu.Unlock()
	<-turn
	return nil
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

// runUpdate is the frame by which insideUpdate knows the caller.
//
//go:noinline
func runUpdate(edit edit, old content) (content, error) { return edit(old) }

// insideUpdate reports whether an Update function is on the caller's stack. It
// is asked only by who has to wait, and so costs nobody else anything.
func insideUpdate() bool {
	var callers [64]uintptr
	for skip := 2; ; skip += len(callers) {
		n := runtime.Callers(skip, callers[:])
		frames := runtime.CallersFrames(callers[:n])
		for {
			frame, more := frames.Next()
			if frame.Function == "github.com/gostateful/session/core.runUpdate" {
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
