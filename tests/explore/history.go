package explore

import (
	"math"
	"slices"
	"time"

	session "github.com/gostateful/session/core"
)

// A history is what happened in a run, in its order: the operations of the
// actors, and what each of them did to which session.
type history struct {
	now    int // the order of all that happens
	events map[session.ID][]*event
	order  []session.ID // of events, as they came
	tokens map[string]issue
	claims []claim
	revoke []int // when something was deleted
	writes []write

	challenges map[string]time.Duration // when they were told

	secrets int
	// progress and finished sum up what the order of events tells the laws.
	progress, finished uint64
}

func (h *history) init() {
	h.events = map[session.ID][]*event{}
	h.tokens = map[string]issue{}
	h.challenges = map[string]time.Duration{}
}

func (h *history) tick() int {
	h.now++
	return h.now
}

// An op is one call of the engine by an actor: a load, a commit, a job.
type op struct {
	by      *actor
	start   int
	at      time.Duration // by the schedule's clock
	began   time.Time
	faults  int
	touches bool       // it is Session.Touch
	ends    session.ID // what it is to log out of
	effects []effect
	tells   []session.EventKind
}

// A write is a call of the store that changed one session.
type write struct {
	id   session.ID
	at   int
	time time.Duration
	by   *op
	ends bool
}

// An effect is a call of the store that changed something.
type effect struct {
	method string
	id     session.ID
	at     int
}

// written is when the op last wrote a session, or zero.
func (o *op) written(id session.ID) int {
	at := 0
	for _, e := range o.effects {
		if e.id == id && (e.method == "Create" || e.method == "Update") {
			at = e.at
		}
	}
	return at
}

func (o *op) wrote() bool {
	return slices.ContainsFunc(o.effects, func(e effect) bool { return e.method == "Create" || e.method == "Update" })
}

func (o *op) created() bool {
	return slices.ContainsFunc(o.effects, func(e effect) bool { return e.method == "Create" })
}

func (o *op) told(kind session.EventKind) bool { return slices.Contains(o.tells, kind) }

// took notes that a call of the store took effect.
func (w *world) took(a *actor, c *call) {
	if !c.done {
		return
	}
	w.progress = mix(w.progress, c.origin)
	if c.op == nil {
		return
	}
	at := w.tick()
	c.op.effects = append(c.op.effects, effect{c.method, c.id, at})
	if c.method == "Create" || c.method == "Update" {
		w.writes = append(w.writes, write{c.id, at, w.elapsed, c.op, c.id == c.op.ends})
		if w.store.live(c.id) == nil {
			w.revoke = append(w.revoke, at) // a logout that could not leave a tombstone
		}
	}
	for _, id := range c.gone {
		w.writes = append(w.writes, write{id, at, w.elapsed, c.op, true})
		w.revoke = append(w.revoke, at)
	}
}

// endedByAnother tells whether another operation than o has ended a session.
func (w *world) endedByAnother(id session.ID, o *op) bool {
	return slices.ContainsFunc(w.writes, func(c write) bool { return c.id == id && c.by != o && c.ends })
}

// begin starts an operation of an actor: from here to finish it is in the
// engine.
func (a *actor) begin() *op {
	a.op = &op{by: a, start: a.w.tick(), at: a.w.elapsed, began: time.Now()}
	a.learn(a.w.finished)
	a.leave()
	return a.op
}

// finish ends it. No operation may take longer than the store's calls may.
func (a *actor) finish(o *op) {
	w := a.w
	a.enter()
	a.op = nil
	if a.ops++; len(o.effects) > 0 || o.faults > 0 {
		// That a load had ended before another operation began tells nobody
		// anything: what it saw does.
		w.finished += mix(uint64(a.n), a.ops)
	}
	if took := time.Since(o.began); took > storeTimeout+storeTimeout/2 {
		w.fail("law 8: an operation took %v, and StoreTimeout is %v", took, storeTimeout)
	}
}

// An eventKind is what an operation did to one session.
type eventKind string

const (
	created eventKind = "create"
	loaded  eventKind = "load"
	written eventKind = "write" // an update, a login, a renewal, or several
	ended   eventKind = "logout"
	moved   eventKind = "leave" // a login went to a new session instead
	worked  eventKind = "job"
	noted   eventKind = "note"    // that the secret of the request has been used
	served  eventKind = "respond" // which records a use, where one is due
	touched eventKind = "touch"
	revoked eventKind = "revoke"
	swept   eventKind = "revoke all"
	peeked  eventKind = "peek"

	registered eventKind = "registration"
	asked      eventKind = "question"
	refreshed  eventKind = "refresh"
)

// An event is what an operation did to one session, and what it was told.
type event struct {
	kind       eventKind
	who        string
	start, end int           // in the order of the history; it took effect between them
	at         time.Duration // by the clock
	cameAt     time.Duration // when its request loaded the session
	loadedAt   time.Duration // or last touched it

	held   string   // the secret that the request holds
	own    bool     // it made that itself
	secret string   // the name of the one that this event makes
	adds   []string // tags
	login  string
	since  time.Duration // when Login was called
	renew  bool
	timed  bool // a renewal that time asked for

	key    string        // of the device
	signs  string        // the challenge
	signed time.Duration // when that was told
	gives  string        // the challenge that it tells
	beside bool          // the cookie is that of another session, which has a login

	answer answer
	opened bool     // of a load: the session was shown
	tags   []string // what the actor then saw
	owner  string
	wrote  int // when the store's call took effect
}

// note adds an event of an operation to the history of a session.
func (w *world) note(id session.ID, o *op, e event) *event {
	e.start, e.end, e.at = o.start, w.tick(), o.at
	if e.answer == unknown {
		e.end = math.MaxInt
	}
	e.wrote = o.written(id)
	if w.events[id] == nil {
		w.order = append(w.order, id)
	}
	w.events[id] = append(w.events[id], &e)
	return &e
}

// A claim is a response that set or cleared a cookie.
type claim struct {
	actor   *actor
	held    string // the token that its request had
	asked   int    // when it began to load, if it found no session
	at      int    // when the store's call behind it took effect
	elapsed time.Duration
	login   bool
	clears  bool
	refresh bool
}
