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
	noRenewal renewal = iota // the secret stays
	offered                  // time asks for it: the previous secret stays good until the new one is used
	demanded                 // Login or Renew: the previous secret is refused at once
)

// renewalDue tells what the next write does to the secret. Time asks for a
// renewal each RenewEvery. A browser that still comes with the previous secret
// after the window is asked again, as the lost response cannot arrive any more. A
// request that came earlier tells nothing: the browser may have received it since.
func (v *visit) renewalDue(now time.Time) renewal {
	every, env := v.engine.opts.RenewEvery, &v.shown.env
	switch {
	case v.base.proof.opens() && v.demands():
		return demanded
	case every == 0 || !v.receives || v.refusal.err != nil:
		return noRenewal
	case v.base.proof == current && !now.Before(fromMilli(env.renewed).Add(every)),
		v.base.proof == previous && env.previousUntil == untilUsed && !v.base.at.Before(env.stragglersUntil(v.engine.opts.StragglerWindow)):
		return offered
	}
	return noRenewal
}

// firstUse reports whether this request is the first to show that its browser
// has received the secret of an offered renewal. It is noted, once (law 19).
func (v *visit) firstUse() bool {
	return v.base.proof == current && v.token == (token{}) &&
		v.base.env.previous != (digest{}) && v.base.env.previousUntil == untilUsed
}

// touchDue reports whether the use of the session is to be recorded (law 6).
func (v *visit) touchDue(now time.Time) bool {
	return v.engine.idleUntil(now).Sub(v.shown.expiresAt) >= v.engine.opts.touchInterval()
}

// runsShort reports whether the session could run out under a request that
// takes half of IdleTimeout: then its use is recorded at the load (law 18).
func (v *visit) runsShort(now time.Time) bool {
	return v.shown.expiresAt.Sub(now) < v.engine.opts.IdleTimeout/2
}

// touch records the use of the session. Its failure is reported and harms
// nobody: the next request tries again.
func (v *visit) touch(ctx context.Context) {
	until := v.engine.idleUntil(time.Now())
	b := detach(ctx, v.engine.opts.StoreTimeout)
	defer b.stop()
	started := v.engine.started()
	if err := v.engine.store.Touch(b, v.base.id, until); err != nil {
		if !errors.Is(err, ErrNotFound) {
			v.note(EventError, v.base.id, v.base.subject, started, unavailable("touch", err))
		}
		return
	}
	v.used(until)
	v.note(EventTouched, v.base.id, v.base.subject, started, nil)
}

// used takes note of a recorded use.
func (v *visit) used(until time.Time) {
	next := v.shown
	v.base.expiresAt, next.expiresAt = until, until
	v.show(next)
}

// keepAlive is Session.Touch: it makes sure that the session is still that of
// the same login before it moves the expiry, and so revives nothing.
func (v *visit) keepAlive(ctx context.Context) error {
	switch {
	case v.base.proof == trusted:
		return nil // of a test
	case !v.base.proof.opens():
		return fmt.Errorf("%w: there is no session that is stored", ErrNotFound)
	}
	b := bound(ctx, v.engine.opts.StoreTimeout)
	defer b.stop()
	started := v.engine.started()
	rec, env, err := v.engine.fetch(b, v.base.id)
	if err == nil && (v.engine.subject(rec.Subject) != v.base.subject || env.authenticated != v.base.env.authenticated) {
		err = fmt.Errorf("%w: another login took the session over", ErrNotFound)
	}
	until := v.engine.idleUntil(time.Now())
	if err == nil {
		err = v.engine.store.Touch(b, v.base.id, until)
		if err != nil && !errors.Is(err, ErrNotFound) {
			err = unavailable("touch", err)
		}
	}
	switch {
	case err == nil:
		v.used(until)
		v.note(EventTouched, v.base.id, v.base.subject, started, nil)
	case left(ctx) != nil:
		err = left(ctx)
	case !isAbsent(err):
		v.note(EventError, v.base.id, v.base.subject, started, err)
	}
	return err
}
