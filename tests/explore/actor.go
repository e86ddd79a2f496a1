package explore

import (
	"context"
	"fmt"
	"runtime"
	"time"

	session "github.com/gostateful/session/core"
)

// A place is where an actor waits for the scheduler.
type place int

const (
	inside  place = iota // of the engine: in a pause, or in a queue for others
	start                // before its first step
	think                // in a handler that takes its time
	atStore              // before a call of the store
	over
)

// A decision is what becomes of a call.
type decision byte

const (
	letDo     decision = 'd' // it is done
	letFail   decision = 'f' // it fails and does nothing
	letLose   decision = 'l' // it is done, and the reply is lost
	letDelay  decision = 't' // it fails, and takes effect later
	letHang   decision = 'h' // no reply until the caller gives up; it does nothing
	hangDone  decision = 'j' // the same, but it was done at once
	hangDelay decision = 'k' // the same, but it is done later
	letGo     decision = 'g' // not a call: go on
	giveUp    decision = 'x' // the schedule is over
)

// An actor is a script in its own goroutine, which runs only when the scheduler
// lets it.
type actor struct {
	w      *world
	n      int
	script script
	resume chan decision

	at    place
	call  *call
	calls uint64 // of the store
	ops   uint64 // of the engine
	tags  int
	told  string // the challenge that it has asked for

	// seen sums up every reply that this actor has had, and when. What an
	// actor does next, and each byte that it writes, follow from it, up to
	// the names that random numbers give.
	seen uint64

	op   *op  // that it is at
	runs bool // and holds the world
}

// enter and leave stand around all that an actor does outside of the engine.
// Two may be on their way at once, when one lets the other out of a queue.
func (a *actor) enter() {
	a.w.mu.Lock()
	a.runs = true
}

func (a *actor) leave() {
	a.runs = false
	a.w.mu.Unlock()
}

type actorKey struct{}

func (a *actor) letter() string { return string(rune('a' + a.n)) }

func (a *actor) context() context.Context {
	return context.WithValue(a.w.ctx, actorKey{}, a)
}

func (a *actor) learn(parts ...uint64) {
	a.seen = mix(append(parts, a.seen, uint64(a.w.elapsed))...)
}

// park waits for the scheduler's decision.
func (a *actor) park(p place) decision {
	a.at = p
	a.leave()
	d := <-a.resume
	if d == giveUp {
		runtime.Goexit()
	}
	a.enter()
	return d
}

// ponder gives time a place to move in.
func (a *actor) ponder() {
	if len(a.w.jumps) > 0 && !a.w.free {
		a.park(think)
	}
	a.learn()
}

// run is the goroutine of an actor.
func (a *actor) run() {
	defer func() {
		p := recover()
		if !a.runs {
			a.enter()
		}
		if p != nil {
			a.w.fail("law 10: the engine panicked: %v", p)
		}
		a.at = over
		a.leave()
	}()
	a.enter()
	a.park(start)
	a.play()
}

var errInjected = fmt.Errorf("explore: injected fault")

// pass is the gate of the store.
func (w *world) pass(ctx context.Context, c *call) error {
	a, known := ctx.Value(actorKey{}).(*actor)
	if !known {
		panic("a call of the store without the values of the request's context: " + c.method)
	}
	if a.runs { // or it would wait for itself
		w.fail("law 6: %s: only a load, a commit and the end of a request call the store", c.method)
		return errInjected
	}
	a.enter()
	defer func() {
		if a.runs {
			a.leave()
		}
	}()
	a.calls++
	c.origin = mix(a.seen, a.calls, uint64(a.n))
	c.op = a.op
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > storeTimeout {
		w.fail("law 8: %s: a call of the store that StoreTimeout does not bound", c.method)
	}
	if ctx.Err() != nil {
		a.learn(c.origin, 'c')
		return ctx.Err()
	}
	if c.method == "Touch" && !a.op.touches && w.elapsed < touchInterval {
		w.fail("law 6: a use is recorded, and the last one was not long ago")
	}
	if w.free {
		err := c.do(c)
		w.took(a, c)
		return err
	}
	a.call = c
	d := a.park(atStore)
	a.call = nil
	err := a.meet(ctx, c, d)
	a.learn(c.origin, uint64(d), c.reply, mixString(0, errorName(err)), w.progress)
	return err
}

// meet carries out the decision about a call.
func (a *actor) meet(ctx context.Context, c *call, d decision) error {
	w := a.w
	if d != letDo && a.op != nil {
		a.op.faults++
	}
	switch d {
	case letDo, letLose, hangDone:
		err := c.do(c)
		w.took(a, c)
		if d == letDo {
			return err
		}
	case letDelay, hangDelay:
		w.late = append(w.late, lateCall{a, c})
	}
	if d == letHang || d == hangDone || d == hangDelay {
		w.hung = true
		a.leave()
		<-ctx.Done()
		a.enter()
		return ctx.Err()
	}
	return errInjected
}

func errorName(err error) string {
	switch err {
	case nil:
		return ""
	case session.ErrNotFound, session.ErrExists, session.ErrConflict:
		return err.Error()
	}
	return "fault"
}
