package session

import (
	"bytes"
	"context"
	"slices"
	"time"
)

// An edit makes new data from old. It may run again on newer data.
type edit func(old content) (content, error)

// A change is pending until it is stored. It is made again after a conflict.
type change struct {
	edit    edit                      // of Update; else nil
	login   *login                    // of Login; else nil
	device  func(env *envelope) error // of a binding; else nil
	renewal renewal                   // what it does to the secret
}

// A login is what one call of Login asks for.
type login struct {
	subject string
	clocks  Clocks    // if it is remembered; else zero
	proven  time.Time // when the subject proved its identity
	at      time.Time // of the call, before it waits for other callers
}

// change applies a change to what is shown, and keeps it for the commit.
func (v *visit) change(c change) error {
	if err := v.gate.enter(context.Background()); err != nil {
		return err
	}
	defer v.leave()
	return v.add(c)
}

// maxPending bounds the changes that a request keeps in memory.
const maxPending = 1000

// add is change, inside the gate.
func (v *visit) add(c change) error {
	if c.login != nil && v.gate.at() == handling {
		if err := v.refused(); err != nil {
			v.startAnew(err)
		} else if v.outlived(c.login.at) {
			v.startAnew(errTooLate)
		} else if v.base.sealed != nil {
			v.replace()
		}
	} else if err := v.changeable(c.renewal != noRenewal || !v.base.proof.opens()); err != nil {
		return err
	} else if v.base.sealed != nil {
		return v.base.sealed
	}
	if len(v.pending) == maxPending {
		return mistakef("session: too many changes are pending: call Commit between them")
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

// refused returns why only a login can change anything. Other changes may come
// with a pending login, and are dropped with it: a straggler creates a session
// only by Login (law 3).
func (v *visit) refused() error {
	if v.logsIn() {
		return nil
	}
	return v.refusal.err
}

// reason is refused for callers outside the gate. It notes that the handler was
// told.
func (v *visit) reason() error {
	if err := v.gate.enter(context.Background()); err != nil {
		return err
	}
	defer v.leave()
	err := v.refused()
	v.refusal.told = v.refusal.told || err != nil
	return err
}

// apply applies a change to what is shown. If an Update function began the
// response, the change is an error, whatever the function returned.
func (v *visit) apply(c change) error {
	next, before := new(state), v.gate.at()
	*next = *v.shown()
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
	if c.device != nil {
		env := next.env
		if err := c.device(&env); err != nil {
			return err
		}
		next.env = env
	}
	if l := c.login; l != nil {
		if next.subject != "" && next.subject != l.subject {
			next.env.content = v.engine.likely.content // another subject's data
		}
		next.env.device = binding{} // another's key must not open what this login opens
		next.subject = l.subject
		next.env.clocks, next.env.loggedIn, next.env.authenticated = l.clocks, l.at.UnixMilli(), provenAt(l.proven, l.at)
		next.expiresAt = v.engine.idleUntil(&next.env, l.at)
	}
	v.setDraft(next)
	return nil
}

// demands returns what the pending changes do to the secret.
func (v *visit) demands() (r renewal) {
	for _, c := range v.pending {
		r = max(r, c.renewal)
	}
	return r
}

// logsIn reports whether a pending change is a login.
func (v *visit) logsIn() bool {
	return slices.ContainsFunc(v.pending, func(c change) bool { return c.login != nil })
}

// changed reports whether anything but the end of a session must be written. A
// new session that is still empty need not be (law 6).
func (v *visit) changed() bool {
	return v.logsIn() || v.base.proof.opens() && v.demands() != noRenewal || !bytes.Equal(v.shown().env.data, v.base.env.data)
}

// dirty reports whether anything must be written.
func (v *visit) dirty() bool { return v.ending != nil || v.changed() }
