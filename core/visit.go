package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// A visit is the untyped handle of one request or job: what it knows of a session
// and what it wants to change. Only the caller inside the gate works on it.
// Others may read shown.
type visit struct {
	engine *engine
	gate   *gate
	typed  typed
	ctx    context.Context // of the request or the job; events carry it

	base    hold  // what is stored; for a new session, how it began
	shown   state // base with the pending changes
	pending []change
	ending  *hold   // the session that Destroy ended, until its end is stored
	refusal refusal // why nothing can be changed, until a login is stored
	sealed  error   // why the data of base cannot be read
	used    bool    // Get was called, not only Peek; guarded by the gate's mutex too

	receives bool // the browser will get the response that is being committed
	cameBy   bool // the browser sent a token that opened this session, or the one that Destroy ended
	answer   answer
	token    token // issued by this request, to be handed out

	journal []Event // reported when the gate is left
}

// typed is the *Session[T] around a visit. Only it knows T.
type typed interface {
	// adopt decodes data and keeps the value.
	adopt(data []byte) error

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
}

// A hold is a session as it is stored, and the proof by which the request has it.
// The proof of a new session, which is not stored, opens nothing.
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
}

// An answer is what the response does to the browser's cookie.
type answer uint8

const (
	keep     answer = iota
	handOut         // set it to the token
	takeAway        // remove it
)

// An edit makes new data from old. It may run again on newer data.
type edit func(old content) (content, error)

// A change is pending until it is stored. A conflict makes it again.
type change struct {
	edit    edit      // of Update; nil for Login and Renew
	subject string    // of Login; else empty
	clocks  Clocks    // of a login that is remembered; else zero
	proven  time.Time // of Login: when the subject has proven who it is
	at      time.Time
}

// maxPending bounds the changes that a request keeps in memory.
const maxPending = 1000

// start makes the handle that of a new, empty session.
func (v *visit) start() {
	now := time.Now()
	v.pending, v.sealed = nil, nil
	v.base = hold{state: state{
		id: v.engine.opts.NewID(), isNew: true, version: 1, expiresAt: v.engine.idleUntil(&v.engine.likely, now), env: v.engine.likely,
	}}
	v.base.env.created = now.UnixMilli()
	v.base.env.renewed = v.base.env.created
	v.show(v.base.state)
}

// startAnew is start for the login of a request that has lost its session. The
// browser's cookie may be a newer session's by then. So it is not removed.
func (v *visit) startAnew(reason error) {
	if len(v.pending) > 0 {
		v.note(EventDiscarded, v.base.id, v.base.subject, time.Time{}, reason)
	}
	v.ending, v.cameBy = nil, false
	v.start()
}

// adopt makes a record the base of the handle, without pending changes.
func (v *visit) adopt(rec Record, env envelope) error {
	err := v.engine.migrate(&env.content)
	if err == nil {
		err = v.typed.adopt(env.data)
	}
	if err != nil {
		return undecodable(rec.ID, err)
	}
	v.base.state = state{id: rec.ID, version: rec.Version, subject: v.engine.subject(rec.Subject), expiresAt: rec.ExpiresAt, env: env}
	v.show(v.base.state)
	return nil
}

// show lets others read a state.
func (v *visit) show(s state) {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	v.shown = s
}

// seen is what was shown last.
func (v *visit) seen() state {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	return v.shown
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

// change applies a change to what is shown, and keeps it for the commit.
func (v *visit) change(c change) error {
	if err := v.gate.enter(context.Background()); err != nil {
		return err
	}
	defer v.leave()
	return v.add(c)
}

// add is change, inside the gate.
func (v *visit) add(c change) error {
	c.at = time.Now()
	if c.subject != "" && v.gate.at() == handling {
		if err := v.refused(); err != nil {
			v.startAnew(err)
		} else if v.outlived(c.at) {
			v.startAnew(errTooLate)
		} else if v.sealed != nil {
			v.end()
		}
	} else if err := v.changeable(c.edit == nil || !v.base.proof.opens()); err != nil {
		return err
	} else if v.sealed != nil {
		return v.sealed
	}
	if len(v.pending) == maxPending {
		return errors.New("session: too many changes are pending: call Commit between them")
	}
	if err := v.apply(c); err != nil {
		if err == errInsideUpdate {
			v.drop()
		}
		return err
	}
	v.pending = append(v.pending, c)
	return nil
}

// outlived reports whether the session's Lifetime has ended during the request.
func (v *visit) outlived(now time.Time) bool {
	return v.base.proof.opens() && !now.Before(v.engine.lifetimeEnd(&v.base.env))
}

// changeable reports why the session cannot be changed now.
func (v *visit) changeable(needsCookie bool) error {
	at := v.gate.at()
	switch {
	case at == committing || at == over:
		return ErrHeadersSent
	case v.refused() != nil:
		v.refusal.told = true
		return v.refusal.err
	case at == sent && needsCookie:
		return ErrHeadersSent
	}
	return nil
}

// refused returns why only a login can change anything. What comes with one may,
// and is lost with it: a straggler creates no session but by Login (law 3).
func (v *visit) refused() error {
	if v.logsIn() {
		return nil
	}
	return v.refusal.err
}

// reason is refused, for who is not inside the gate.
func (v *visit) reason() error {
	if err := v.gate.enter(context.Background()); err != nil {
		return err
	}
	defer v.leave()
	return v.refused()
}

// apply applies a change to what is shown. If an Update function began the
// response, the change is an error, whatever the function returned.
func (v *visit) apply(c change) error {
	next, before := v.shown, v.gate.at()
	if c.edit != nil {
		edited, err := v.gate.runUpdate(c.edit, next.env.content)
		if v.gate.at() != before {
			return errInsideUpdate
		}
		if err != nil {
			return err
		}
		next.env.content = edited
	}
	if c.subject != "" {
		if next.subject != "" && next.subject != c.subject {
			next.env.content = v.engine.likely.content // another subject's data
		}
		next.subject = c.subject
		next.env.clocks, next.env.loggedIn = c.clocks, c.at.UnixMilli()
		next.env.authenticated = next.env.loggedIn
		if !c.proven.IsZero() {
			next.env.authenticated = min(c.proven.UnixMilli(), next.env.loggedIn)
		}
		next.expiresAt = v.engine.idleUntil(&next.env, c.at)
	}
	v.show(next)
	return nil
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
	v.start()
}

// demands reports whether a pending change, a Login or a Renew, demands a new
// secret.
func (v *visit) demands() bool {
	return slices.ContainsFunc(v.pending, func(c change) bool { return c.edit == nil })
}

// logsIn reports whether a pending change is a login.
func (v *visit) logsIn() bool {
	return slices.ContainsFunc(v.pending, func(c change) bool { return c.subject != "" })
}

// changed reports whether anything but the end of a session must be written. A
// new session that is still empty need not be (law 6).
func (v *visit) changed() bool {
	return v.logsIn() || v.base.proof.opens() && v.demands() || !bytes.Equal(v.shown.env.data, v.base.env.data)
}

// dirty reports whether anything must be written.
func (v *visit) dirty() bool { return v.ending != nil || v.changed() }

// drop drops the pending changes and shows what is stored. A logout stays
// pending.
func (v *visit) drop() {
	v.pending = nil
	v.show(v.base.state)
}
