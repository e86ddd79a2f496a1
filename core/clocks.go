package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// milliseconds converts a number of milliseconds to a duration. It returns zero
// for one that is out of range.
func milliseconds(ms int64) time.Duration {
	if ms < 0 || ms > longest.Milliseconds() {
		return 0 // no clock is zero
	}
	return time.Duration(ms) * time.Millisecond
}

// fromMilli is the time of a stamp in milliseconds. Zero means never.
func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// clocks returns the clocks of a session: its own, if its login was remembered,
// or those of the options.
func (e *engine) clocks(env *envelope) Clocks {
	if env.remembered() {
		return env.clocks
	}
	return Clocks{e.opts.IdleTimeout, e.opts.Lifetime}
}

func (e *envelope) remembered() bool { return e.clocks != Clocks{} }

// startedAt is when Lifetime began: at the last login, or at the creation if
// there was no login.
func (e *envelope) startedAt() time.Time { return fromMilli(max(e.created, e.loggedIn)) }

// lifetimeEnd is when the session ends however much it is used.
func (e *engine) lifetimeEnd(env *envelope) time.Time {
	end := env.startedAt().Add(e.clocks(env).Lifetime)
	if d := &e.opts.Device; d.Required && env.loggedIn != 0 && !env.device.bound() {
		if early := fromMilli(env.loggedIn).Add(d.Interval); early.Before(end) {
			return early
		}
	}
	return end
}

// cookieLasts returns how long the browser keeps the cookie. Zero means until
// it closes. A persistent cookie lasts until the end of Lifetime, so that it
// need not be sent again with each use. The cookie of a bound session lasts as
// long as its secret.
func (e *engine) cookieLasts(env *envelope) time.Duration {
	if env.device.bound() {
		return max(time.Until(env.secretEnds(0)), 1)
	}
	if !e.opts.Cookie.Persistent && !env.remembered() {
		return 0
	}
	return max(time.Until(e.lifetimeEnd(env)), 1)
}

// idleUntil is the expiry that a use at now gives a record. It ignores Lifetime,
// so that a record's expiry tells when the session was last used.
func (e *engine) idleUntil(env *envelope, now time.Time) time.Time {
	return fromMilli(now.Add(e.clocks(env).IdleTimeout).UnixMilli())
}

// lastUsed is the use that gave a record its expiry.
func (e *engine) lastUsed(env *envelope, expiresAt time.Time) time.Time {
	return expiresAt.Add(-e.clocks(env).IdleTimeout)
}

// endsAt is when the session ends if nobody uses it again.
func (e *engine) endsAt(s *state) time.Time {
	if end := e.lifetimeEnd(&s.env); end.Before(s.expiresAt) {
		return end
	}
	return s.expiresAt
}

// expired reports whether either clock of a record has run out (law 15). The
// store's own expiry only cleans up, and may be late. A tombstone always counts
// as expired.
func (e *engine) expired(expiresAt time.Time, env *envelope) bool {
	now := time.Now()
	return env.ended != 0 || !now.Before(expiresAt) || !now.Before(e.lifetimeEnd(env))
}

// stragglersUntil is when the straggler's window ends: requests with an older
// secret may arrive until then.
func (e *envelope) stragglersUntil(window time.Duration) time.Time {
	return time.UnixMilli(max(e.renewed, e.ended)).Add(window)
}

// A renewal says whether a write replaces the secret, and why.
type renewal uint8

const (
	noRenewal renewal = iota // the secret stays
	offered                  // by RenewEvery, Import or a registration: the previous secret stays good until the new one is used
	proven                   // by the key of the device: the previous secret stays good as long as it would have been
	demanded                 // Login or Renew: the previous secret is refused at once
)

// renewalDue returns what the next write does to the secret. A renewal is
// offered every RenewEvery. A browser that still sends the previous secret
// after the window has lost the response to a renewal or an import, and is
// offered another renewal.
func (v *visit) renewalDue(now time.Time) renewal {
	every, env := v.engine.opts.RenewEvery, &v.shown().env
	if r := v.demands(); r != noRenewal && v.base.proof.opens() {
		return r
	}
	switch {
	case !v.receives || v.refusal.err != nil:
		return noRenewal
	case every != 0 && v.base.proof == current && !now.Before(fromMilli(env.renewed).Add(every)) && !env.device.bound(),
		v.base.proof == previous && env.unused():
		return offered
	}
	return noRenewal
}

// firstUse reports whether this request is the first with the secret of an
// offered renewal. Its browser has received that secret. One write notes it
// (law 19).
func (v *visit) firstUse() bool {
	return v.base.proof == current && v.token == (token{}) && v.base.env.previous != (digest{}) && v.base.env.unused()
}

// unused reports whether nobody has used the secret of an offered renewal.
func (e *envelope) unused() bool {
	return e.previousUntil == untilUsed || e.device.bound() && !e.device.proven
}

// touchDue reports whether the use of the session must be recorded (law 6).
func (v *visit) touchDue(now time.Time) bool {
	s := v.shown()
	return v.engine.idleUntil(&s.env, now).Sub(s.expiresAt) >= v.engine.clocks(&s.env).touchInterval()
}

// runsShort reports whether less than half of IdleTimeout is left. Then the use
// is recorded at the load, so that a long request is in time (law 18).
func (v *visit) runsShort(now time.Time) bool {
	s := v.shown()
	return s.expiresAt.Sub(now) < v.engine.clocks(&s.env).IdleTimeout/2
}

// provenAt converts LoginOptions.AuthenticatedAt to milliseconds, for a login
// at now.
func provenAt(given, now time.Time) int64 {
	switch {
	case given.IsZero() || given.After(now):
		return now.UnixMilli()
	case given.Before(time.Unix(0, 0)):
		return 0 // UnixMilli may overflow
	}
	return given.UnixMilli()
}

// use counts the request as a use of the session.
func (v *visit) use(ctx context.Context) {
	v.used.Store(true)
	if v.base.proof.opens() && v.base.proof != trusted && v.runsShort(time.Now()) {
		v.touch(ctx)
	}
}

// touch records the use of the session. A failure is reported and does not fail
// the request: the next request tries again.
func (v *visit) touch(ctx context.Context) {
	now := time.Now()
	until := v.engine.idleUntil(&v.base.env, now)
	b := detach(ctx, now.Add(v.engine.opts.StoreTimeout))
	defer b.stop()
	started := v.engine.started()
	if err := v.engine.store.Touch(b, v.base.id, until); err != nil {
		if !errors.Is(err, ErrNotFound) {
			v.note(EventError, v.base.id, v.base.subject, started, unavailable("touch", err))
		}
		return
	}
	v.recorded(until)
	v.note(EventTouched, v.base.id, v.base.subject, started, nil)
}

// recorded notes that a use was recorded.
func (v *visit) recorded(until time.Time) {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	v.base.expiresAt, v.touched = until, true
	v.shown().expiresAt = until
}

// keepAlive is Session.Touch. Before it moves the expiry it checks that the
// session is live and still that of the same login.
func (v *visit) keepAlive(ctx context.Context) error {
	if !v.base.proof.opens() {
		return fmt.Errorf("%w: the session is not stored", ErrNotFound)
	}
	b := bound(ctx, v.engine.opts.StoreTimeout)
	defer b.stop()
	started := v.engine.started()
	rec, env, err := v.engine.fetch(b, v.base.id)
	if err == nil && (v.engine.subject(rec.Subject) != v.base.subject || env.loggedIn != v.base.env.loggedIn) {
		err = fmt.Errorf("%w: another login took the session over", ErrNotFound)
	}
	until := v.engine.idleUntil(&v.base.env, time.Now())
	if err == nil {
		err = v.engine.store.Touch(b, v.base.id, until)
		if err != nil && !errors.Is(err, ErrNotFound) {
			err = unavailable("touch", err)
		}
	}
	switch {
	case err == nil:
		v.recorded(until)
		v.note(EventTouched, v.base.id, v.base.subject, started, nil)
	case left(ctx) != nil:
		err = left(ctx)
	case !isAbsent(err):
		v.note(EventError, v.base.id, v.base.subject, started, err)
	}
	return err
}
