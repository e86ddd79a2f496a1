package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// A visit is what one request, or one job, knows of a session and wants of it.
// Whoever works on it has entered the gate; now is published for the others.
type visit struct {
	engine *engine
	gate   *gate
	typed  typed
	ctx    context.Context // of the request or the job; events carry it

	proof   proof
	digest  digest    // of the secret that gave the proof
	refusal error     // why the session cannot be changed, or nil
	window  time.Time // of a straggler: when its secret is forgotten
	retry   time.Time // the same, once the client is to be told

	base    state // as stored; of a new session, as it began
	now     state // base with the pending changes
	pending []change
	ending  *ending // the session that Destroy ended, until that is stored

	receives bool // the browser will get the response that is being committed
	cameBy   bool // the browser came with the token of a session
	answer   answer
	token    token // that this request issued, to be handed out

	journal []Event // told when the gate is left
}

// typed is the *Session[T] around a visit: it alone knows T.
type typed interface {
	// adopt decodes data that was loaded, and keeps the value.
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

// An answer is what the response does to the browser's cookie.
type answer uint8

const (
	keep     answer = iota
	handOut         // set it to the token
	takeAway        // remove it
)

// An edit makes new data of old. It may be made again, on newer data.
type edit func(old content) (content, error)

// A change is pending until it is stored, to be made again after a conflict.
type change struct {
	edit    edit   // of Update; nil for a renewal
	subject string // of a renewal by Login; empty for Renew
	at      time.Time
}

// maxPending bounds the changes that a request keeps in memory.
const maxPending = 1000

// An ending is a session that its own request has destroyed.
type ending struct {
	state
	proof  proof
	digest digest
}

// start makes the handle that of a new, empty session.
func (v *visit) start() {
	now := time.Now()
	v.proof, v.digest, v.refusal, v.pending = unknown, digest{}, nil, nil
	v.base = state{id: v.engine.opts.NewID(), isNew: true, version: 1, expiresAt: v.engine.idleUntil(now), env: v.engine.likely}
	v.base.env.created = now.UnixMilli()
	v.base.env.renewed = v.base.env.created
	v.show(v.base)
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
	v.base = state{id: rec.ID, version: rec.Version, subject: v.engine.subject(rec.Subject), expiresAt: rec.ExpiresAt, env: env}
	v.show(v.base)
	return nil
}

// show publishes what the session is now.
func (v *visit) show(now state) {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	v.now = now
}

// seen is what was published last.
func (v *visit) seen() state {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	return v.now
}

// leave leaves the gate, and tells what happened inside.
func (v *visit) leave() {
	events := v.journal
	v.journal = nil
	v.gate.leave()
	for _, e := range events {
		v.engine.emit(v.ctx, e)
	}
}

// change makes a change and keeps it for the commit.
func (v *visit) change(c change) error {
	if err := v.gate.enter(); err != nil {
		return err
	}
	defer v.leave()
	c.at = time.Now()
	if c.subject != "" && v.gate.at() == open && (v.refusal != nil || v.outlived(c.at)) {
		v.start() // a login stands by itself
	}
	if err := v.changeable(c.edit == nil || !v.proof.opens()); err != nil {
		return err
	}
	if len(v.pending) == maxPending {
		return errors.New("session: too many changes are pending: call Commit between them")
	}
	if err := v.apply(c); err != nil {
		return err
	}
	if v.gate.at() == over {
		v.drop() // the Update function has begun the response
		return errInsideUpdate
	}
	v.pending = append(v.pending, c)
	return nil
}

// outlived reports whether the session's Lifetime has ended during the request.
func (v *visit) outlived(now time.Time) bool {
	return v.proof.opens() && !now.Before(v.engine.lifetimeEnd(&v.base.env))
}

// changeable reports why the session cannot be changed now.
func (v *visit) changeable(needsCookie bool) error {
	at := v.gate.at()
	switch {
	case at == over:
		return ErrHeadersSent
	case v.refusal != nil:
		v.retry = v.window
		return v.refusal
	case at == sent && needsCookie:
		return ErrHeadersSent
	}
	return nil
}

// apply makes a change to what is published.
func (v *visit) apply(c change) error {
	now := v.now
	if c.edit != nil {
		edited, err := runUpdate(c.edit, now.env.content)
		if err != nil {
			return err
		}
		now.env.content = edited
	}
	if c.subject != "" {
		if now.subject != "" && now.subject != c.subject {
			now.env.content = v.engine.likely.content // the other's data is not for this one
		}
		now.subject = c.subject
		now.env.authenticated = c.at.UnixMilli()
		now.expiresAt = v.engine.idleUntil(c.at)
	}
	v.show(now)
	return nil
}

// destroy ends the session, and starts a new one.
func (v *visit) destroy() error {
	if err := v.gate.enter(); err != nil {
		return err
	}
	defer v.leave()
	if v.proof == ended && v.gate.at() != over {
		return nil // another request of the browser has done it
	}
	if err := v.changeable(false); err != nil {
		return err
	}
	if v.proof.opens() {
		v.ending = &ending{v.base, v.proof, v.digest}
	}
	v.start()
	return nil
}

// demands reports whether a pending change asks for a new secret.
func (v *visit) demands() bool {
	return slices.ContainsFunc(v.pending, func(c change) bool { return c.edit == nil })
}

// changed reports whether anything but the end of a session is to be written.
// A new session that is still empty is not (law 6).
func (v *visit) changed() bool {
	return v.now.subject != v.base.subject || v.now.env.authenticated != v.base.env.authenticated ||
		v.proof.opens() && v.demands() || !bytes.Equal(v.now.env.data, v.base.env.data)
}

func (v *visit) dirty() bool { return v.ending != nil || v.changed() }

// drop makes the handle show what is stored. A logout stays pending.
func (v *visit) drop() {
	v.pending = nil
	v.show(v.base)
}
