package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// fromMilli is the time of a stamp; zero stands for never.
func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// startedAt is where Lifetime counts from: the last login, or the creation of
// a session that has seen none.
func (e *envelope) startedAt() time.Time { return fromMilli(max(e.created, e.authenticated)) }

// lifetimeEnd is when the session ends however much it is used.
func (e *engine) lifetimeEnd(env *envelope) time.Time {
	return env.startedAt().Add(e.opts.Lifetime)
}

// idleUntil is the expiry that a use at now gives a record. Lifetime is not in
// it: so a record's expiry tells when the session was last used.
func (e *engine) idleUntil(now time.Time) time.Time {
	return now.Add(e.opts.IdleTimeout).UTC().Truncate(time.Millisecond)
}

// endsAt is when the session ends if nobody uses it again.
func (e *engine) endsAt(s *state) time.Time {
	if end := e.lifetimeEnd(&s.env); end.Before(s.expiresAt) {
		return end
	}
	return s.expiresAt
}

// expired reports whether a clock of a record has run out (law 15). The store's
// own expiry is for cleaning up, and may be late. A tombstone has no life.
func (e *engine) expired(expiresAt time.Time, env *envelope) bool {
	now := time.Now()
	return env.ended != 0 || !now.Before(expiresAt) || !now.Before(e.lifetimeEnd(env))
}

// stragglersUntil is until when requests with an older secret may still arrive.
func (e *envelope) stragglersUntil(window time.Duration) time.Time {
	return time.UnixMilli(max(e.renewed, e.ended)).Add(window)
}

// A renewal says whether a write replaces the secret, and on whose wish.
type renewal uint8

const (
	kept     renewal = iota // the secret stays
	offered                 // time asks for it: the previous secret stays good until the new one is used
	demanded                // Login or Renew: the previous secret is refused at once
)

// renewal tells what the next write does to the secret. Time asks for a
// renewal each RenewEvery, and again from a browser that did not receive the
// last one: after the window, when that response cannot arrive any more.
func (v *visit) renewal(now time.Time) renewal {
	e, env := v.engine, &v.now.env
	if v.proof.opens() && v.demands() {
		return demanded
	}
	every := e.opts.RenewEvery
	if every == 0 || v.refusal != nil {
		return kept
	}
	switch {
	case !v.receives:
		return kept // nobody would get the new secret
	case v.proof == current && !now.Before(fromMilli(env.renewed).Add(every)),
		v.proof == previous && env.previousUntil == untilUsed && !now.Before(env.stragglersUntil(e.opts.StragglerWindow)):
		return offered
	}
	return kept
}

// firstUse reports whether this request is the first to show that its browser
// has received the secret of an offered renewal. It is noted, once (law 19).
func (v *visit) firstUse() bool {
	return v.proof == current && v.token == (token{}) &&
		v.base.env.previous != (digest{}) && v.base.env.previousUntil == untilUsed
}

// touchDue reports whether the use of the session is to be recorded (law 6).
func (v *visit) touchDue(now time.Time) bool {
	return v.proof.opens() && v.proof != trusted && v.refusal == nil &&
		v.engine.idleUntil(now).Sub(v.now.expiresAt) >= v.engine.opts.touchInterval()
}

// runsShort reports whether the session could run out under a request that
// takes half of IdleTimeout: then its use is recorded at the load (law 18).
func (v *visit) runsShort(now time.Time) bool {
	return v.now.expiresAt.Sub(now) < v.engine.opts.IdleTimeout/2
}

// touch records the use of the session. Its failure is reported and harms
// nobody: the next request tries again.
func (v *visit) touch(ctx context.Context) {
	until := v.engine.idleUntil(time.Now())
	b := detach(ctx, v.engine.opts.StoreTimeout)
	defer b.stop()
	started := v.engine.started()
	if err := v.engine.store.Touch(b, v.now.id, until); err != nil {
		if !errors.Is(err, ErrNotFound) {
			v.note(EventError, v.now.id, v.now.subject, started, unavailable("touch", err))
		}
		return
	}
	v.used(until)
	v.note(EventTouched, v.now.id, v.now.subject, started, nil)
}

// used takes note of a recorded use.
func (v *visit) used(until time.Time) {
	now := v.now
	v.base.expiresAt, now.expiresAt = until, until
	v.show(now)
}

// keepAlive is Session.Touch: it makes sure that the session is still that of
// the same login before it moves the expiry, and so revives nothing.
func (v *visit) keepAlive(ctx context.Context) error {
	switch {
	case v.proof == trusted:
		return nil // of a test
	case !v.proof.opens():
		return fmt.Errorf("%w: the session is not stored yet", ErrNotFound)
	}
	b := bound(ctx, v.engine.opts.StoreTimeout)
	defer b.stop()
	started := v.engine.started()
	rec, env, err := v.engine.fetch(b, v.base.id)
	if err != nil {
		if !errors.Is(err, ErrNotFound) {
			v.note(EventError, v.base.id, v.base.subject, started, err)
		}
		return err
	}
	if subject := v.engine.subject(rec.Subject); subject != v.base.subject || env.authenticated != v.base.env.authenticated {
		return fmt.Errorf("%w: another login took the session over", ErrNotFound)
	}
	until := v.engine.idleUntil(time.Now())
	err = v.engine.store.Touch(b, rec.ID, until)
	switch {
	case errors.Is(err, ErrNotFound):
		return err
	case err != nil:
		err = unavailable("touch", err)
		v.note(EventError, rec.ID, v.base.subject, started, err)
		return err
	}
	v.used(until)
	v.note(EventTouched, rec.ID, v.base.subject, started, nil)
	return nil
}
