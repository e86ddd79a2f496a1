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
	tokens, n := v.engine.opts.Cookie.tokens(cookies)
	straggles, window := unknown, time.Time{}
	for i := range tokens[:n] {
		t := &tokens[i]
		if err := left(ctx); err != nil {
			return err
		}
		env, err := v.try(ctx, t)
		if err != nil {
			return err
		}
		if v.proof.opens() {
			return nil
		}
		if v.proof.straggles() {
			straggles, window = v.proof, env.stragglersUntil(v.engine.opts.StragglerWindow)
		}
	}
	v.start()
	if straggles.straggles() {
		v.proof, v.refusal, v.window = straggles, ErrSuperseded, window
	}
	return nil
}

// try loads what a token names. If the token opens it, it becomes the session of
// the visit, and what other tokens did not open is not worth an event.
func (v *visit) try(ctx context.Context, t *presented) (envelope, error) {
	v.proof = unknown
	started := v.engine.started()
	b := bound(ctx, v.engine.opts.StoreTimeout)
	rec, env, err := v.engine.fetch(b, t.id)
	b.stop()
	subject := v.engine.subject(rec.Subject)
	kind := EventMissed
	if env.ended != 0 || err == nil {
		err = nil
		kind, err = v.open(t, rec, env)
	}
	switch {
	case err == errExpired:
		kind, err = EventExpired, nil
	case errors.Is(err, ErrUndecodable) && v.engine.opts.DiscardUndecodable:
		v.note(EventDiscarded, t.id, subject, started, err) // the record stays, for a program that can read it
		return env, nil
	case errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUndecodable): // whatever Migrate wraps
		err = nil
	case err != nil:
		if gone := left(ctx); gone != nil {
			return env, gone
		}
		v.note(EventError, t.id, subject, started, err)
		return env, err
	}
	if !v.proof.opens() {
		v.note(kind, t.id, subject, started, nil)
		return env, nil
	}
	v.journal = nil
	v.note(EventLoaded, t.id, subject, started, nil)
	if v.runsShort(time.Now()) {
		v.touch(ctx)
	}
	return env, nil
}

// open makes a record the session of the visit, if the token opens it.
func (v *visit) open(t *presented, rec Record, env envelope) (EventKind, error) {
	d := t.digest()
	switch p := env.prove(d, time.Now(), v.engine.opts.StragglerWindow); {
	case env.carrier != t.carrier && (p == current || !v.engine.carries(carrier(env.carrier))):
		// Issued for another cookie (law 17). A secret from before a renewal may
		// have come by one that the session has moved from (laws 3 and 19).
		return EventMissed, nil
	case p == stale:
		return EventReused, nil
	case !p.opens():
		v.proof = p
		return EventMissed, nil
	default:
		if err := v.adopt(rec, env); err != nil {
			return EventError, err
		}
		v.proof, v.digest, v.cameBy = p, d, true
		return EventLoaded, nil
	}
}

// left returns an error if the client has left: that is no failure of the store.
func left(ctx context.Context) error {
	if ctx.Err() == context.Canceled {
		return errClientLeft
	}
	return nil
}

// reach makes a session the base of a job, which needs no secret.
func (v *visit) reach(ctx context.Context, id ID) error {
	if err := v.gate.enter(); err != nil {
		return err
	}
	defer v.leave()
	started := v.engine.started()
	b := bound(ctx, v.engine.opts.StoreTimeout)
	defer b.stop()
	rec, env, err := v.engine.fetch(b, id)
	if err == nil {
		err = v.adopt(rec, env)
	}
	if err != nil && (!errors.Is(err, ErrNotFound) || errors.Is(err, ErrUndecodable)) {
		v.note(EventError, id, v.engine.subject(rec.Subject), started, err)
	}
	return err
}
