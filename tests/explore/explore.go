// Package explore runs the engine through every order of its store calls.
//
// A [Scenario] has actors, which are short scripts of requests, jobs and
// revocations. Each call that one of them makes of the store waits until a
// scheduler lets it go, and the scheduler decides what becomes of it. It also
// decides when a response reaches its browser and when time passes. [Explore]
// tries all its choices, depth first, by running the scenario again for each,
// and checks the laws of docs/laws.md after each run.
//
// Follow a run through explore.go, world.go (the scheduler), actor.go and
// store.go (the gates), script.go and outcome.go (what actors do),
// history.go, model.go and linear.go (what they were told, and whether it is
// right), laws.go (the rest of the laws). All that knows the engine's API is in
// engine.go.
package explore

import (
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

// A Scenario is what happens, but for its order.
type Scenario struct {
	Name   string
	Faults int // how many calls of the store may go wrong in one run

	before  []string      // how each browser came by its session
	age     time.Duration // of that session
	setting               // of the engine
	hangs   bool          // a call that goes wrong may also have no reply at all
	actors  []script
	jumps   []jump // each may happen once
}

// A Result is what came of exploring a scenario.
type Result struct {
	Schedules, States int
	Violations        []Violation // of each kind the first
	Complete          bool        // all that there is was tried
}

// A Violation is a law that a schedule broke.
type Violation struct {
	Kind, Text string
	Schedule   string
}

// maxSteps is more than any schedule has. An actor that never ends exceeds it.
const maxSteps = 400

// Explore tries every schedule of a scenario until goOn returns false. It is
// given what was found so far.
func Explore(t *testing.T, sc Scenario, goOn func(found []Violation) bool) (res Result) {
	e := exploration{seen: map[uint64]bool{}, todo: []schedule{nil}}
	for len(e.todo) > 0 {
		if !goOn(res.Violations) {
			return res
		}
		e.prefix = e.todo[len(e.todo)-1]
		e.todo = e.todo[:len(e.todo)-1]
		done, violation := run(t, sc, e.choose)
		for tries := 1; e.diverged && tries < 10; tries++ {
			done, violation = run(t, sc, e.choose)
		}
		res.Schedules++
		res.States = len(e.seen)
		if violation != nil && !slices.ContainsFunc(res.Violations, func(v Violation) bool { return v.Kind == violation.Kind }) {
			violation.Schedule = done.String()
			res.Violations = append(res.Violations, *violation)
		}
	}
	res.Complete = true
	return res
}

// An exploration is what was tried and what is still to be tried.
type exploration struct {
	seen     map[uint64]bool
	todo     []schedule
	prefix   schedule // what the present run repeats before it goes on
	diverged bool     // it could not
}

// choose repeats the prefix, then takes the first choice each time and leaves
// the others for later runs. It ends the run in a state that was seen before.
func (e *exploration) choose(at schedule, w *world, list []choice) (choice, bool) {
	if len(at) < len(e.prefix) {
		c := e.prefix[len(at)]
		if e.diverged = !slices.Contains(list, c); e.diverged {
			// Something that the schedule does not decide differs, such as
			// whether two sessions share a place in a queue.
			w.fail("a run of %v could not be repeated after %v: there was only %v", e.prefix, at, schedule(list))
		}
		return c, !e.diverged
	}
	h := w.hash()
	if e.seen[h] {
		return choice{}, false
	}
	e.seen[h] = true
	for _, c := range list[1:] {
		e.todo = append(e.todo, append(at[:len(at):len(at)], c))
	}
	return list[0], true
}

// Replay runs one schedule, and returns the law that it breaks. It ends where
// the words end.
func Replay(t *testing.T, sc Scenario, words string) (violation *Violation) {
	left := strings.Fields(words)
	_, violation = run(t, sc, func(_ schedule, w *world, list []choice) (choice, bool) {
		if len(left) == 0 {
			return choice{}, false
		}
		c, err := pick(left[0], list)
		if err != nil {
			w.fail("%v", err)
		}
		left = left[1:]
		return c, err == nil
	})
	return violation
}

// run runs a scenario once. Its choices are made by choose, which may also end
// the run.
func run(t *testing.T, sc Scenario, choose func(at schedule, w *world, list []choice) (choice, bool)) (done schedule, violation *Violation) {
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, 1)
		w := newWorld(t.Context(), sc)
		w.mu.Lock()
		defer w.mu.Unlock()
		defer func() { violation = w.violation }()
		if w.violation != nil {
			return
		}
		w.setUp()
		defer w.end()
		for w.settle(); w.violation == nil; w.settle() {
			list := w.choices()
			if len(list) == 0 || len(done) == maxSteps {
				w.yield(func() { time.Sleep(2 * storeTimeout) })
				if w.settle(); len(w.choices()) == 0 || len(done) == maxSteps {
					w.fail("law 8: an actor hangs")
				}
				continue
			}
			c, on := choose(done, w, list)
			if !on {
				return
			}
			done = append(done, c)
			if c.kind == stop {
				w.verify()
				return
			}
			w.apply(c)
		}
	})
	return done, violation
}
