package explore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// A world is one run of a scenario: the engine over its store, the actors, the
// browsers, and the clock.
type world struct {
	mu       sync.Mutex // held by who runs: the scheduler, or an actor outside of the engine
	scenario Scenario
	ctx      context.Context
	store    *store
	eng      *engine
	free     bool // no gates: before the schedule and after it

	actors   []*actor
	browsers []*browser
	late     []lateCall
	elapsed  time.Duration // as the schedule made it; pauses do not count
	faults   int
	jumps    []jump
	hung     bool // some call had no reply for as long as it may

	history
	violation *Violation
}

type lateCall struct {
	by *actor
	c  *call
}

func newWorld(ctx context.Context, sc Scenario) *world {
	w := &world{scenario: sc, ctx: ctx, faults: sc.Faults, jumps: slices.Clone(sc.jumps)}
	w.history.init()
	w.store = &store{records: map[session.ID]*entry{}, given: map[*byte]string{}, gate: w.pass}
	w.eng = w.newEngine(sc.setting)
	return w
}

func (w *world) newEngine(s setting) *engine {
	e, err := newEngine(w.store, s)
	if err != nil {
		w.fail("the engine refuses its options: %v", err)
	}
	return e
}

// fail notes the first violation.
func (w *world) fail(format string, args ...any) {
	if w.violation == nil {
		w.violation = &Violation{Kind: format, Text: fmt.Sprintf(format, args...)}
	}
}

// setUp gives the browsers their sessions, before anything is scheduled.
func (w *world) setUp() {
	w.free = true
	if w.scenario.former != "" {
		w.eng = w.newEngine(setting{cookie: w.scenario.former})
	}
	for n, steps := range w.scenario.before {
		b := &browser{n: n, cookie: w.eng.cookie, device: device{key: fmt.Sprint("key ", n)}}
		w.browsers = append(w.browsers, b)
		if steps == "" {
			continue
		}
		if steps == copied {
			of := w.browsers[n-1]
			b.token, b.sum, b.first, b.copied = of.token, of.sum, of.first, true
			b.device.id, b.device.challenge, b.device.offer = of.device.id, of.device.challenge, of.device.offer
			continue
		}
		a := &actor{w: w, n: 9, runs: true}
		for request := range strings.SplitSeq(steps, "/") {
			a.script = script{steps: request, browser: n}
			a.play()
			b.receive(a.w)
		}
		b.first = w.tokens[b.token].id
	}
	w.eng = w.newEngine(w.scenario.setting)
	w.sleep(w.scenario.age)
	w.free = false
	for n, s := range w.scenario.actors {
		a := &actor{w: w, n: n, script: s, resume: make(chan decision), seen: mix(uint64(n))}
		w.actors = append(w.actors, a)
		go a.run()
	}
}

// sleep moves the clock, and lets nothing be forgotten.
func (w *world) sleep(d time.Duration) {
	w.elapsed += d
	w.yield(func() { time.Sleep(d) })
	if d >= window {
		for _, b := range w.browsers {
			b.flight = nil // law 19 does not promise anything to a response that is this late
		}
	}
}

// yield lets the actors run.
func (w *world) yield(wait func()) {
	w.mu.Unlock()
	wait()
	w.mu.Lock()
}

// pause is longer than any that the engine makes between two attempts.
const pause = 65 * time.Millisecond

// settle waits until each actor waits for the scheduler, is over, or cannot go
// on before another one does.
func (w *world) settle() {
	w.yield(synctest.Wait)
	for range 2 {
		if !w.anyAt(inside) {
			break
		}
		w.yield(func() { time.Sleep(pause) })
		w.yield(synctest.Wait)
	}
	if len(w.jumps) > 0 {
		return
	}
	for _, a := range w.actors { // nothing can happen while they think
		if a.at == think {
			w.release(a, letGo)
			w.settle()
			return
		}
	}
}

func (w *world) anyAt(places ...place) bool {
	return slices.ContainsFunc(w.actors, func(a *actor) bool { return slices.Contains(places, a.at) })
}

func (w *world) release(a *actor, d decision) {
	a.at = inside
	a.resume <- d
}

// choices lists what can happen next; the first is the most ordinary.
func (w *world) choices() []choice {
	var list []choice
	for _, a := range w.actors {
		switch a.at {
		case start, think:
			list = append(list, choice{kind: act, n: a.n, decision: letGo})
		case atStore:
			for _, d := range w.fates(a) {
				list = append(list, choice{kind: act, n: a.n, decision: d})
			}
		}
	}
	// Where several fates are possible, each actor's plain step comes first.
	slices.SortStableFunc(list, func(a, b choice) int { return cmp.Compare(a.decision.rank(), b.decision.rank()) })
	allOver := !w.anyAt(inside, start, think, atStore)
	for _, b := range w.browsers {
		if !allOver && !w.anyStarts(b.n) {
			continue // nobody can tell when it arrives
		}
		for i := range b.flight {
			list = append(list, choice{kind: deliver, n: b.flight[i].actor})
		}
	}
	for i := range w.late {
		list = append(list, choice{kind: takeEffect, n: i})
	}
	if len(w.late) == 0 && !w.anyAt(atStore, inside) {
		for i, j := range w.jumps {
			if !slices.Contains(w.jumps[:i], j) {
				list = append(list, choice{kind: passTime, jump: j})
			}
		}
		if allOver {
			list = append(list, choice{kind: stop})
		}
	}
	return list
}

func (w *world) anyStarts(browser int) bool {
	return slices.ContainsFunc(w.actors, func(a *actor) bool { return a.at == start && a.script.browser == browser })
}

// fates are what may become of the call that an actor waits with.
func (w *world) fates(a *actor) []decision {
	fates := []decision{letDo}
	if w.faults == 0 {
		return fates
	}
	fates = append(fates, letFail)
	if !a.call.writes {
		return fates
	}
	fates = append(fates, letLose, letDelay)
	if !w.scenario.hangs {
		return fates
	}
	for _, o := range w.actors {
		if o != a && (o.at == atStore || o.at == inside) {
			return fates // whose bounds would pass too
		}
	}
	return append(fates, letHang, hangDone, hangDelay)
}

// apply makes a choice happen.
func (w *world) apply(c choice) {
	switch c.kind {
	case act:
		a := w.actors[c.n]
		if c.decision.faulty() {
			w.faults--
		}
		w.release(a, c.decision)
		if c.decision == letHang || c.decision == hangDone || c.decision == hangDelay {
			w.sleep(storeTimeout)
		}
	case deliver:
		for _, b := range w.browsers {
			b.deliver(w, c.n)
		}
	case takeEffect:
		l := w.late[c.n]
		w.late = slices.Delete(w.late, c.n, c.n+1)
		_ = l.c.do(l.c)
		w.took(l.by, l.c)
	case passTime:
		i := slices.Index(w.jumps, c.jump)
		w.jumps = slices.Delete(w.jumps, i, i+1)
		w.sleep(c.jump.length())
	}
}

// hash sums up all that the rest of the run can depend on.
func (w *world) hash() uint64 {
	h := mix(uint64(w.elapsed), uint64(w.faults), uint64(len(w.late)), w.progress)
	for _, j := range w.jumps {
		h = mix(h, uint64(j))
	}
	for _, a := range w.actors {
		h = mix(h, a.seen, uint64(a.at), a.calls, a.ops)
	}
	var records uint64
	for _, e := range w.store.records {
		records += mix(e.creator, e.origin, e.expiry, e.Version)
	}
	h = mix(h, records)
	for _, l := range w.late {
		h = mix(h, l.c.origin)
	}
	for _, b := range w.browsers {
		h = mix(h, b.sum, b.heard, uint64(len(b.flight)))
		for _, r := range b.flight {
			h = mix(h, r.sum)
		}
	}
	return h
}

// end lets the goroutines of a run go that is not finished.
func (w *world) end() {
	w.free = true
	for range 100 {
		w.yield(synctest.Wait)
		waiting := false
		for _, a := range w.actors {
			if a.at != over && a.at != inside {
				w.release(a, giveUp)
				waiting = true
			}
		}
		if !waiting {
			if !w.anyAt(inside) {
				return
			}
			w.yield(func() { time.Sleep(storeTimeout) })
		}
	}
}
