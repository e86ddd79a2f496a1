package session

import (
	"context"
	"sync/atomic"
	"time"
)

// A visit is the untyped handle of one request or job: what it knows of a session
// and what it wants to change. Only the caller inside the gate works on it.
// Others may read what is shown: so its state is written with the gate's mutex held.
type visit struct {
	engine *engine
	gate   *gate
	typed  typed
	ctx    context.Context // of the request or the job; events carry it

	base    hold   // what is stored; for a new session, how it began
	draft   *state // the base with the pending changes; nil if none was made
	pending []change
	ending  *hold       // the session that Destroy ended, until its end is stored; if sealed, a login ended it
	refusal refusal     // why nothing can be changed, until a login is stored
	used    atomic.Bool // Get was called, not only Peek
	touched bool        // this request has recorded its use

	receives bool // the browser will get the response that is being committed
	cameBy   bool // the browser sent a token that opened this session, or the one that Destroy ended
	answer   answer
	token    token // issued by this request, to be handed out

	journal []Event // reported when the gate is left
}

// typed is the *Session[T] around a visit. Only it knows T.
type typed interface {
	// adopt makes sure that data of a write can be decoded.
	adopt(w write, c content) error

	// stored says that this write has stored the data that is shown. The caller
	// holds the gate's mutex.
	stored(w write)

	// inspect reports a value that was changed in place.
	inspect()
}

// A state is a session at one moment.
type state struct {
	id        ID
	isNew     bool // this request started the session
	version   uint64
	subject   string
	expiresAt time.Time // last use plus IdleTimeout
	env       envelope
	sealed    error // why the data cannot be read; Get returns it beside the handle
}

// A hold is a session as stored, and the proof that the request has for it. A
// new session is not stored, and its proof opens nothing.
type hold struct {
	state
	proof  proof
	digest digest // of the secret that gave the proof
}

// A refusal is why the session cannot be changed. The zero refusal is none.
type refusal struct {
	err   error
	until time.Time // when the straggler's window ends
	told  bool      // the handler got err: the response says when to come again

	sealed bool // Get returns err beside the handle
}

// An answer is what the response does to the browser's cookie.
type answer uint8

const (
	keep     answer = iota
	handOut         // set it to the token
	takeAway        // remove it
)

// start makes the handle that of a new, empty session.
func (v *visit) start() {
	now := time.Now()
	v.pending = nil
	var s state
	s.id, s.isNew, s.version = v.engine.opts.NewID(), true, 1
	s.env = v.engine.likely
	s.env.created = now.UnixMilli()
	s.env.renewed = s.env.created
	s.expiresAt = v.engine.idleUntil(&s.env, now)
	v.setBase(&s, unknown, digest{})
}

// startAnew is start for the login of a request that has lost its session.
// Until that login is stored, nothing else can be changed. The browser's cookie
// is not removed, because it may already belong to a newer session.
func (v *visit) startAnew(reason error) {
	if len(v.pending) > 0 {
		v.note(EventDiscarded, v.base.id, v.base.subject, time.Time{}, reason)
	}
	v.ending, v.cameBy, v.refusal.err = nil, false, reason
	v.start()
}

// adopt makes a record the base of the handle, without pending changes.
func (v *visit) adopt(rec Record, env envelope) error {
	err := v.engine.migrate(&env.content)
	if err == nil {
		err = v.typed.adopt(write{rec.ID, env.mark}, env.content)
	}
	if err != nil {
		return undecodable(rec.ID, err)
	}
	v.setBase(&state{
		id: rec.ID, version: rec.Version, subject: v.engine.subject(rec.Subject), expiresAt: rec.ExpiresAt, env: env,
	}, v.base.proof, v.base.digest)
	return nil
}

// setBase replaces the base and drops the draft.
func (v *visit) setBase(s *state, p proof, d digest) {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	v.base.state, v.base.proof, v.base.digest = *s, p, d
	v.draft = nil
}

// setDraft replaces the draft.
func (v *visit) setDraft(s *state) {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	v.draft = s
}

// shown returns the draft, or else the base. The caller is inside the gate, or
// holds its mutex.
func (v *visit) shown() *state {
	if v.draft != nil {
		return v.draft
	}
	return &v.base.state
}

// seen returns what is shown.
func (v *visit) seen() state {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	return *v.shown()
}

// leave leaves the gate, and then reports what happened inside.
func (v *visit) leave() {
	events := v.journal
	v.journal = nil
	v.gate.leave()
	for _, e := range events {
		v.engine.emit(v.ctx, e)
	}
}

// undo drops what is pending, but not a logout.
func (v *visit) undo() {
	if err := v.gate.enter(context.Background()); err != nil {
		v.engine.event(v.ctx, EventError, v.seen().id, "", time.Time{}, err)
		return
	}
	defer v.leave()
	if at := v.gate.at(); at == handling || at == sent {
		v.drop()
	}
}

// destroy ends the session, and starts a new one.
func (v *visit) destroy() error {
	if err := v.gate.enter(context.Background()); err != nil {
		return err
	}
	defer v.leave()
	if v.base.proof == loggedOut || v.refused() == errEnded {
		return nil // it has ended already, perhaps by another request of the browser
	}
	if err := v.changeable(false); err != nil {
		return err
	}
	v.end()
	return nil
}

// end makes the handle that of a new session, and the end of the present one
// pending.
func (v *visit) end() {
	if v.base.proof.opens() {
		ended := v.base
		v.ending = &ended
	}
	if v.ending != nil {
		v.ending.sealed = nil
	}
	v.start()
}

// replace is end for a login over a session whose data cannot be read. If the
// login is dropped, so is the end.
func (v *visit) replace() {
	reason := v.base.sealed
	v.end()
	v.ending.sealed = reason
}

// drop drops the pending changes and shows what is stored. A logout stays
// pending.
func (v *visit) drop() {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	v.pending, v.draft = nil, nil
	if v.ending != nil && v.ending.sealed != nil {
		v.base, v.ending = *v.ending, nil
	} else if v.refusal.sealed {
		v.base.sealed = v.refusal.err
	}
}
