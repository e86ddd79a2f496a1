package session

import (
	"context"
	"fmt"
	"time"
)

var (
	errNewerLogin = fmt.Errorf("%w: the browser has logged in since it began to refresh", ErrSuperseded)
	errSpent      = mistakef("session: the challenge is used or too old")
)

// RefreshDevice renews the secret of a bound session by the proof of its
// device, whatever the cookie of the request is. It is for package device.
// verify reports whether the session's key has signed the challenge.
//
// If the challenge has been used or is too old, or if verify is nil, the answer has a
// new challenge, and Done is false. Every ID gets such an answer, even one of no
// session, so that nobody learns which sessions exist. [ErrNotFound] means that the
// browser must give up the session: it has ended, or the device is another one.
// [ErrSuperseded] means the same beside a newer login: the browser must give up nothing,
// because it has one name for both. [ErrUndecodable] means that this program cannot read
// the session, but another may: nothing has changed, and the browser must try again
// later.
func RefreshDevice(ctx context.Context, m AnyManager, id ID, challenge string, verify func(key []byte) bool) (DeviceAnswer, error) {
	v, err := enterForDevice(ctx, m)
	if err != nil {
		return DeviceAnswer{}, err
	}
	defer v.leave()
	rec, env, err := v.bound(ctx, id)
	switch {
	case err == errUnproven && verify == nil:
		return DeviceAnswer{ID: id, Challenge: falseChallenge()}, nil
	case err == errUnproven:
		return DeviceAnswer{}, v.unproven()
	case err != nil:
		return DeviceAnswer{}, err
	case verify == nil:
		return DeviceAnswer{ID: id, Challenge: env.challenge(id, time.Now())}, nil
	case !verify([]byte(env.device.key)):
		v.noteRefusal(id, rec)
		return DeviceAnswer{}, v.unproven()
	}
	return v.renewByKey(ctx, rec, env, id, challenge)
}

// renewByKey makes the session that bound has loaded that of the request, and renews its
// secret.
func (v *visit) renewByKey(ctx context.Context, rec Record, env envelope, id ID, challenge string) (DeviceAnswer, error) {
	if !v.base.proof.opens() || v.base.id != id {
		v.base.proof, v.base.digest = unknown, digest{}
		if err := v.adopt(rec, env); err != nil {
			v.start()
			v.note(EventError, id, v.engine.subject(rec.Subject), time.Time{}, err)
			return DeviceAnswer{}, err
		}
		v.refusal, v.answer = refusal{}, keep
	}
	key, at := env.device.key, time.Now()
	v.base.proof = trusted // the key opens the session, whatever happens to the cookie meanwhile
	return v.answerDevice(ctx, change{renewal: proven, device: func(env *envelope) error {
		if env.device.key != key {
			return errNewerLogin // and perhaps its device was faster too
		}
		if !env.answers(id, challenge, at, v.engine.challengeLasts()) {
			return errSpent
		}
		env.device.proven, env.device.since = true, at.UnixMilli()
		return nil
	}})
}

// bound loads a bound session, unless the cookie has opened it. If the cookie
// has opened another session of a user, bound loads none, because it would
// replace that one.
func (v *visit) bound(ctx context.Context, id ID) (Record, envelope, error) {
	if v.base.proof.opens() && (v.base.id == id || v.base.subject != "") {
		if v.base.id != id || !v.base.env.device.bound() {
			return Record{}, envelope{}, errUnproven
		}
		return Record{}, v.base.env, nil
	}
	started := v.engine.started()
	b := bound(ctx, v.engine.opts.StoreTimeout)
	rec, env, err := v.engine.fetch(b, id)
	b.stop()
	switch {
	case isAbsent(err), err == nil && (!env.device.bound() || !v.engine.carries(carrierKey(env.carrier))):
		return rec, env, errUnproven
	case err != nil && left(ctx) != nil:
		return rec, env, left(ctx)
	case err != nil:
		v.note(EventError, id, v.engine.subject(rec.Subject), started, err)
	}
	return rec, env, err
}

// unproven is why a signed refresh proves nothing. If the request has the cookie of a
// login, or one that was just replaced, the browser has logged in since it signed. It
// has one name for all its logins. So errUnproven would end the newer one in it, if
// that is registered before the answer arrives. Without a cookie the browser comes
// again, and then errUnproven ends no other session.
func (v *visit) unproven() error {
	if v.base.proof.opens() && v.base.subject != "" || v.base.proof == superseded {
		return v.comeAgain()
	}
	return errUnproven
}

// comeAgain refuses a refresh beside a newer login, and says when to come again.
func (v *visit) comeAgain() error {
	if v.refusal.err == nil {
		v.refusal = refusal{err: ErrSuperseded, until: time.Now().Add(v.engine.opts.StragglerWindow)}
	}
	v.refusal.told = true
	return errNewerLogin
}

// noteRefusal notes that a signature was not that of the session's device. It tells of
// no theft: IDs are no secret, so strangers can cause it. Then it is as cheap as a
// token that opens nothing, and as quiet.
func (v *visit) noteRefusal(id ID, rec Record) {
	subject := v.engine.subject(rec.Subject)
	if v.base.id == id {
		subject = v.base.subject // bound has loaded no record
	}
	v.note(EventRefused, id, subject, time.Time{}, nil)
}
