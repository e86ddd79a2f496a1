package session

import (
	"bytes"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"time"
)

// Import continues a session of another library, while an application moves to
// this one. The request gets the new session, and the response hands out its
// cookie. old is the secret that names the old session, such as its token or
// random id. Of info, only Subject, Data, Remembered and AuthenticatedAt count.
//
// Before each call, check that the other library still accepts the old session.
// Import promises the rest:
//
//   - One session. Requests that import the same old session for the same
//     subject, at once or one after the other, on any server, get the same new
//     session with all its changes. The first request stores it at once. Later
//     ones ignore info.
//   - No fresh login. A zero AuthenticatedAt means that the time is unknown: never.
//     So account.Guard.Within asks again. Options.Lifetime counts from the import.
//   - No way back in. old is good until the new secret has been used, so that a
//     browser may lose a response, and for Options.StragglerWindow after that.
//     A Login, Renew or Destroy ends it at once. A request with old after that
//     is a visitor without a session, and is reported as [EventReused].
//   - No second session in the browser. If the request had another session, that
//     one ends, as by [Manager.Revoke].
//
// Import remembers an old session as long as the new one lives. At a logout end
// the old one too, or it can be imported again.
//
// Call Import before other changes of the request, and before the response
// begins. If info has no subject and no data, nothing is stored, and the
// visitor has a new session. The errors are those of [Manager.Get], and
// [ErrSuperseded] for a straggler of a logout. After an error the session of
// the request is empty, and cannot be changed.
func (m *Manager[T]) Import(ctx context.Context, old string, info Info[T]) (*Session[T], error) {
	if len(old) < shortestOld {
		return nil, mistakef("session: Import: old is shorter than %d bytes: pass the random token or id of the old session, which nobody can guess", shortestOld)
	}
	info.ID = ID{}
	given, err := m.compose(info)
	if err != nil {
		return nil, mistakef("session: Import: %w", err)
	}
	s, err := m.Get(ctx)
	if err != nil {
		return s, err
	}
	v := &s.visit
	if err := v.gate.enter(ctx); err != nil {
		return nil, err
	}
	defer v.leave()
	t := m.imported(old, info.Subject)
	given.id = t.id
	nothing := info.Subject == "" && bytes.Equal(given.env.data, m.likely.data)
	if v.has(t.id) || nothing && !v.base.proof.opens() {
		return s, nil
	}
	if err := v.importable(); err != nil {
		return nil, err
	}
	if !info.AuthenticatedAt.IsZero() {
		given.env.authenticated = provenAt(info.AuthenticatedAt, time.Now())
	}
	if err := v.bring(ctx, &t, given, nothing); err != nil {
		p := v.base.proof
		v.start()
		if v.refusal.err = err; p.straggles() {
			v.base.proof = p
		}
		return nil, err
	}
	v.use(ctx)
	return s, v.base.sealed
}

// shortestOld is the minimum length of old, in bytes. 16 characters of base64
// are 96 bits.
const shortestOld = 16

// imported returns the token that stands for an old session. It is made of the
// old secret and of what all servers know, so that all make the same token. It
// opens the new session for a while, as its previous secret. It never works as
// a cookie: anybody who knows the old secret could make that cookie, and so
// bypass the checks of the old library.
func (e *engine) imported(old, subject string) presented {
	h := sha512.New()
	for _, part := range []string{"github.com/gostateful/session: Import", e.likely.realm, e.likely.carrier, subject} {
		h.Write([]byte(part)) // no part but the last contains a NUL
		h.Write([]byte{0})
	}
	h.Write([]byte(old))
	sum := h.Sum(nil)
	t := presented{token{id: ID(sum[:16]), secret: [32]byte(sum[16:48])}, e.likely.carrier, true}
	t.id[6] = t.id[6]&0x0f | 0x80 // UUID version 8 (RFC 9562, 5.8)
	t.id[8] = t.id[8]&0x3f | 0x80
	return t
}

// has reports whether the request has the session with this ID, or one that a test
// has given it.
func (v *visit) has(id ID) bool {
	return v.base.proof == trusted || v.base.proof.opens() && v.base.id == id
}

// importable returns why a session cannot be imported now.
func (v *visit) importable() error {
	switch {
	case v.gate.at() != handling:
		return ErrHeadersSent
	case v.dirty():
		return errImportBeside
	}
	v.refusal.told = v.refusal.err != nil
	return v.refusal.err
}

// bring gives the visit the session that continues an old one. The session that
// the request had before ends.
func (v *visit) bring(ctx context.Context, t *presented, given state, nothing bool) error {
	was, started := v.base, v.engine.started()
	if was.proof.opens() {
		b := bound(ctx, v.engine.opts.StoreTimeout)
		err := v.engine.store.Delete(b, was.id)
		b.stop()
		if err != nil {
			return v.blame(ctx, started, "delete", &was.state, err)
		}
		v.engine.watch.wrote(was.id)
	}
	var err error
	if nothing {
		v.start()
	} else {
		err = v.takeUp(ctx, t, given)
	}
	if was.proof.opens() {
		v.noteEnd(EndRevoked, was.id, was.subject, time.Time{})
	}
	return err
}

// takeUp loads the session, or stores it if this request is the first.
func (v *visit) takeUp(ctx context.Context, t *presented, given state) error {
	for range 2 {
		env, err := v.try(ctx, t)
		switch {
		case err != nil || v.base.proof.opens():
			return err
		case v.base.proof.straggles():
			v.refusal = refusal{err: ErrSuperseded, until: env.stragglersUntil(v.engine.opts.StragglerWindow), told: true}
			return ErrSuperseded
		case env.created != 0: // the session exists, and old no longer opens it
			v.start()
			return nil
		}
		if err := v.found(ctx, t, given); !errors.Is(err, ErrExists) {
			return err
		}
	}
	return unavailable("import", fmt.Errorf("%w, and cannot be loaded", ErrExists))
}

// found stores the session, with a secret for the browser. The secret of t
// becomes its previous one, good until the browser's has been used. ErrExists
// means that another request was first.
func (v *visit) found(ctx context.Context, t *presented, given state) error {
	e, now, env := v.engine, time.Now(), &given.env
	fresh := e.newSecret(env, &given, now)
	env.previous, env.previousUntil = t.digest(), untilUsed
	env.created = now.UnixMilli()
	env.renewed = env.created
	if given.subject != "" {
		env.loggedIn = env.created
	}
	given.expiresAt = e.idleUntil(env, now)
	started := e.started()
	b := bound(ctx, e.opts.StoreTimeout)
	defer b.stop()
	err := e.store.Create(b, Record{ID: given.id, Version: given.version, Subject: e.owner(given.subject), ExpiresAt: given.expiresAt, Data: env.seal()})
	if errors.Is(err, ErrExists) {
		return err
	}
	if err != nil {
		return v.blame(ctx, started, "create", &given, err)
	}
	e.watch.wrote(given.id)
	if err := v.typed.adopt(write{given.id, env.mark}, env.content); err != nil {
		return undecodable(given.id, err)
	}
	v.setBase(&given, current, env.secret)
	v.token, v.answer, v.cameBy = fresh, handOut, true
	v.journal = nil // of the tokens that were tried
	v.note(EventCreated, given.id, given.subject, started, nil)
	if given.subject != "" {
		v.note(EventLogin, given.id, given.subject, time.Time{}, nil)
		v.trim(b, given.subject)
	}
	return nil
}

// blame returns and notes the error of a call of the store about a session.
func (v *visit) blame(ctx context.Context, started time.Time, act string, s *state, err error) error {
	if left(ctx) != nil {
		return left(ctx)
	}
	err = unavailable(act, err)
	v.note(EventError, s.id, s.subject, started, err)
	return err
}
