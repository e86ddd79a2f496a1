package session

import (
	"context"
	"errors"
	"strings"
	"time"
)

// fetch loads a live record of the manager's realm and opens its envelope. The
// error is ErrNotFound, ErrUndecodable or ErrUnavailable. With ErrUndecodable
// fetch returns the record too. With errExpired, which is an ErrNotFound, it
// returns the record and its envelope.
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
		return Record{}, envelope{}, ErrNotFound // another realm's record is not seen (law 17)
	case e.expired(rec.ExpiresAt, &env):
		return rec, env, errExpired
	}
	return rec, env, nil
}

// owner returns the name of a subject in the store. It begins with the realm,
// so that realms share no owner (law 17).
func (e *engine) owner(subject string) string {
	if e.opts.Realm == "" || subject == "" {
		return subject
	}
	return e.opts.Realm + realmSeparator + subject
}

// realmSeparator is the ASCII unit separator. No subject and no realm contains it.
const realmSeparator = "\x1f"

// subject returns the subject of an owner of this realm.
func (e *engine) subject(owner string) string {
	if e.opts.Realm == "" {
		return owner
	}
	return strings.TrimPrefix(owner, e.opts.Realm+realmSeparator)
}

// owns reports whether an owner may belong to this realm. An empty owner may
// belong to any.
func (e *engine) owns(owner string) bool {
	realm, _, found := strings.Cut(owner, realmSeparator)
	return owner == "" || found && realm == e.opts.Realm || !found && e.opts.Realm == ""
}

// load finds the session that a token in these lines opens, or starts a new one.
func (v *visit) load(ctx context.Context, lines []string) error {
	var straggler proof
	var until time.Time
	var tokens [maxTokens]presented
	for i := range v.engine.opts.tokens(lines, &tokens) {
		t := &tokens[i]
		if until != (time.Time{}) && t.carrier != tokens[i-1].carrier {
			break // a cookie's former name has nothing newer
		}
		env, err := v.try(ctx, t)
		if errors.Is(err, ErrUndecodable) {
			// The secret in it cannot be read, so nothing can be proven: only a login is
			// possible.
			v.start()
			s := v.base.state
			s.id, s.isNew = t.id, false
			v.setBase(&s, unknown, digest{})
			v.refuse(err)
			return nil
		}
		if err != nil || v.base.proof.opens() {
			return err
		}
		if v.base.proof.straggles() {
			straggler, until = v.base.proof, env.stragglersUntil(v.engine.opts.StragglerWindow)
		}
	}
	v.start()
	if straggler.straggles() {
		v.base.proof = straggler
		v.refusal = refusal{err: ErrSuperseded, until: until}
	}
	return nil
}

// try loads the record that a token names. If the token opens it, it becomes
// the session of the visit, and the events of the tokens tried before are
// dropped.
func (v *visit) try(ctx context.Context, t *presented) (envelope, error) {
	v.base.proof, v.base.digest = unknown, digest{}
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
	case err == nil && v.base.sealed != nil:
		v.journal = nil
		v.note(EventError, t.id, subject, started, v.base.sealed)
		return env, nil
	case err == nil:
		v.journal = nil
		v.note(EventLoaded, t.id, subject, started, nil)
		return env, nil
	case isAbsent(err):
		v.note(absence(err), t.id, subject, started, nil)
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

// absence is the event of a token that opens nothing.
func absence(err error) EventKind {
	switch err {
	case errExpired:
		return EventExpired
	case errReused:
		return EventReused
	case errOverdue:
		return EventOverdue
	}
	return EventMissed
}

// open makes a record the session of the visit, if the token opens it. Otherwise
// the error is an ErrNotFound, or an ErrUndecodable.
//
// The present token opens its session only through the carrier that it was
// issued for (law 17). An older secret is judged through any cookie that this
// manager reads, because a renewal may have moved the session from one cookie
// to another. So the servers of a deploy agree, whichever of the two names each
// of them calls former.
func (v *visit) open(t *presented, rec Record, env envelope) error {
	d := t.digest()
	p := env.prove(d, time.Now(), v.engine.opts.StragglerWindow)
	if env.carrier != t.carrier && (p == current || !v.engine.carries(carrierKey(env.carrier))) {
		return ErrNotFound
	}
	if p.opens() {
		if err := v.adopt(rec, env); err != nil {
			if v.engine.opts.DiscardUndecodable {
				return err
			}
			v.seal(rec, env, err)
		}
		v.cameBy = true
	}
	v.base.proof, v.base.digest = p, d
	switch {
	case p == stale:
		return errReused
	case p == overdue, p == unknown && env.ended == 0 && env.device.bound() && env.device.issued(&t.token):
		return errOverdue
	case !p.opens():
		return ErrNotFound
	}
	return nil
}

// seal makes a record whose data cannot be decoded the base of the handle. The
// session can only be ended.
func (v *visit) seal(rec Record, env envelope, reason error) {
	env.content = v.engine.likely.content
	v.setBase(&state{
		id: rec.ID, version: rec.Version, subject: v.engine.subject(rec.Subject), expiresAt: rec.ExpiresAt, env: env, sealed: reason,
	}, v.base.proof, v.base.digest)
}

// refuse lets the request do nothing but log in. Get returns err.
func (v *visit) refuse(err error) {
	v.refusal = refusal{err: err, sealed: true}
	v.drop()
}

// left returns an error if the caller's context is over. A client that left is
// not a failure of the store.
func left(ctx context.Context) error {
	switch err := ctx.Err(); err {
	case nil:
		return nil
	case context.Canceled:
		return errClientLeft
	default:
		return unavailable("wait for the store", err)
	}
}

// reach loads the session of a job, which needs no secret.
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
