package session

import (
	"context"
	"errors"
	"strings"
	"time"
)

// fetch loads a live record of the manager's realm and opens its envelope. The
// error is ErrNotFound, ErrUndecodable or ErrUnavailable. With errExpired and
// ErrUndecodable the record is returned too, and with errExpired its envelope.
func (e *engine) fetch(ctx context.Context, id ID) (Record, envelope, error) {
	rec, err := e.store.Load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Record{}, envelope{}, err
	}
	if err != nil {
		return Record{}, envelope{}, unavailable("load", err)
	}
	env, err := openEnvelope(rec.Data, &e.likely)
	switch {
	case err != nil && e.owns(rec.Subject):
		return rec, env, undecodable(id, err)
	case err != nil || env.realm != e.opts.Realm:
		return Record{}, envelope{}, ErrNotFound // nothing of another realm is seen (law 17)
	case e.expired(rec.ExpiresAt, &env):
		return rec, env, errExpired
	}
	return rec, env, nil
}

// owner is what a store knows a subject by: the realm is part of it, so that
// realms share no owner (law 17).
func (e *engine) owner(subject string) string {
	if e.opts.Realm == "" || subject == "" {
		return subject
	}
	return e.opts.Realm + realmSeparator + subject
}

// realmSeparator stands in no subject and in no realm: it is the ASCII control
// character for this very purpose, the unit separator.
const realmSeparator = "\x1f"

// subject is whom an owner of this realm stands for.
func (e *engine) subject(owner string) string {
	if e.opts.Realm == "" {
		return owner
	}
	return strings.TrimPrefix(owner, e.opts.Realm+realmSeparator)
}

// owns reports whether an owner is of this realm, as far as the owner tells.
func (e *engine) owns(owner string) bool {
	realm, _, found := strings.Cut(owner, realmSeparator)
	return owner == "" || found && realm == e.opts.Realm || !found && e.opts.Realm == ""
}

// load finds the session that one of the request's cookies opens, or starts a
// new one.
func (v *visit) load(ctx context.Context, cookies []string) error {
	var straggler hold
	var until time.Time
	tokens, n := v.engine.opts.Cookie.tokens(cookies)
	for i := range tokens[:n] {
		t := &tokens[i]
		if until != (time.Time{}) && t.carrier != tokens[i-1].carrier {
			break // a cookie of a former name is no better than the present one
		}
		env, err := v.try(ctx, t)
		if err != nil || v.base.proof.opens() {
			return err
		}
		if v.base.proof.straggles() {
			straggler, until = v.base, env.stragglersUntil(v.engine.opts.StragglerWindow)
		}
	}
	v.start()
	if straggler.proof.straggles() {
		v.base.proof = straggler.proof
		v.refusal = refusal{err: ErrSuperseded, until: until}
	}
	return nil
}

// try loads what a token names. If the token opens it, it becomes the session of
// the visit, and what other tokens did not open is not worth an event.
func (v *visit) try(ctx context.Context, t *presented) (envelope, error) {
	v.base = hold{}
	if err := left(ctx); err != nil {
		return envelope{}, err
	}
	started := v.engine.started()
	b := bound(ctx, v.engine.opts.StoreTimeout)
	rec, env, err := v.engine.fetch(b, t.id)
	b.stop()
	if err == nil || env.ended != 0 {
		err = v.open(t, rec, env)
	}
	subject := v.engine.subject(rec.Subject)
	switch {
	case err == nil:
		v.journal = nil
		v.note(EventLoaded, t.id, subject, started, nil)
		if v.runsShort(time.Now()) {
			v.touch(ctx)
		}
		return env, nil
	case isAbsent(err):
		kind := EventMissed
		if err == errExpired {
			kind = EventExpired
		} else if err == errReused {
			kind = EventReused
		}
		v.note(kind, t.id, subject, started, nil)
		return env, nil
	case errors.Is(err, ErrUndecodable) && v.engine.opts.DiscardUndecodable:
		v.note(EventDiscarded, t.id, subject, started, err) // the record stays, for a program that can read it
		return env, nil
	case left(ctx) != nil:
		return env, left(ctx)
	}
	v.note(EventError, t.id, subject, started, err)
	return env, err
}

// open makes a record the session of the visit, if the token opens it; else the
// error is an ErrNotFound.
//
// A token opens its session only through the cookie that it was issued for
// (law 17). That a renewal has moved the session from one of our cookies to
// another one ends only what it replaced: an older secret still says what it was,
// also to a server that has the names the other way round.
func (v *visit) open(t *presented, rec Record, env envelope) error {
	d, now := t.digest(), time.Now()
	p := env.prove(d, now, v.engine.opts.StragglerWindow)
	if env.carrier != t.carrier && (p == current || !v.engine.carries(cookieKey(env.carrier))) {
		return ErrNotFound
	}
	if p.opens() {
		if err := v.adopt(rec, env); err != nil {
			return err
		}
		v.cameBy = true
	}
	v.base.proof, v.base.digest, v.base.at = p, d, now
	switch {
	case p == stale:
		return errReused
	case !p.opens():
		return ErrNotFound
	}
	return nil
}

// left returns an error if the context of the caller is over: that is no failure
// of the store.
func left(ctx context.Context) error {
	switch err := ctx.Err(); err {
	case nil:
		return nil
	case context.Canceled:
		return errClientLeft
	default:
		return unavailable("load", err)
	}
}

// reach makes a session the base of a job, which needs no secret.
func (v *visit) reach(ctx context.Context, id ID) error {
	started := v.engine.started()
	b := bound(ctx, v.engine.opts.StoreTimeout)
	defer b.stop()
	rec, env, err := v.engine.fetch(b, id)
	if err == nil {
		err = v.adopt(rec, env)
	}
	switch {
	case err == nil || isAbsent(err):
	case left(ctx) != nil:
		err = left(ctx)
	default:
		v.engine.event(ctx, EventError, id, v.engine.subject(rec.Subject), started, err)
	}
	return err
}
