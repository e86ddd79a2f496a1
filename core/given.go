package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"
)

// NewContext stores a session and returns a context for which [Manager.Get]
// returns it. With it, tests call handlers without a server. It works with the
// adapter's middleware and without.
//
// info gives the ID, the subject, the data and the times. A zero ID means a new
// one, and a zero time means now. With a subject,
// AuthenticatedAt is also the time of the login, from which Lifetime counts.
// ExpiresAt and LifetimeEndsAt are ignored: they follow from the others.
//
// After the handler has run, Get on the same context shows what it changed.
// Only [Session.Commit], in the handler or the test, stores that. If the codec
// cannot keep the data or the store fails, Get returns the error.
func (m *Manager[T]) NewContext(ctx context.Context, info Info[T]) context.Context {
	s := &Session[T]{m: m}
	if _, err := s.give(ctx, info); err != nil {
		return context.WithValue(ctx, m.key, mistakef("session: NewContext: %w", err))
	}
	return context.WithValue(ctx, m.key, s)
}

// NewCookie stores a session and returns the cookie that opens it. With it, a
// browser test starts with a user who is logged in. info is that of
// [Manager.NewContext]. Keep the cookie secret: it is the login.
func (m *Manager[T]) NewCookie(ctx context.Context, info Info[T]) (*http.Cookie, error) {
	if m.opts.Header.Name != "" {
		return nil, mistakef("session: NewCookie: this manager reads the header %s: use NewToken", m.opts.Header.Name)
	}
	s := &Session[T]{m: m}
	t, err := s.give(ctx, info)
	if err != nil {
		return nil, mistakef("session: NewCookie: %w", err)
	}
	return m.opts.Cookie.carrying(&t, m.cookieLasts(&s.visit.base.env)), nil
}

// NewToken is [Manager.NewCookie] for a manager with [Options.Header].
func (m *Manager[T]) NewToken(ctx context.Context, info Info[T]) (string, error) {
	s := &Session[T]{m: m}
	t, err := s.give(ctx, info)
	if err != nil {
		return "", mistakef("session: NewToken: %w", err)
	}
	return t.encode(), nil
}

// give stores a session as info describes it, and makes s a trusted handle on it.
func (s *Session[T]) give(ctx context.Context, info Info[T]) (token, error) {
	m, v := s.m, &s.visit
	v.engine, v.typed, v.gate, v.ctx = m.core(), s, new(gate), ctx
	given, err := m.compose(info)
	if err != nil {
		return token{}, err
	}
	m.setTimes(&given, info, time.Now())
	t := newToken(given.id)
	given.env.secret = t.digest()
	v.base = hold{state: given, proof: trusted}
	rec := Record{ID: given.id, Version: given.version, Subject: m.owner(given.subject), ExpiresAt: given.expiresAt, Data: given.env.seal()}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	if err := m.store.Create(b, rec); err != nil {
		return token{}, unavailable("create", err)
	}
	v.drop()
	return t, nil
}

// compose returns a session with the ID, the subject and the data of info. It has
// no times and no secret yet.
func (m *Manager[T]) compose(info Info[T]) (state, error) {
	if info.Subject != "" {
		if err := m.checkSubject(info.Subject); err != nil {
			return state{}, err
		}
	}
	if info.Remembered && m.opts.Remember == (Clocks{}) {
		return state{}, errNoRemember
	}
	fill(&info.Data)
	encoded := m.likely.content
	err := m.encode(&encoded, &info.Data, nil, nil)
	if err == nil {
		_, err = decode[T](&m.engine, encoded.data)
	}
	if err != nil {
		return state{}, fmt.Errorf("the data does not survive codec %q: %w", m.opts.Codec.Name, err)
	}
	s := state{id: info.ID, version: 1, subject: info.Subject, env: m.likely}
	if s.id.IsZero() {
		s.id = m.opts.NewID()
	}
	rand.Read(s.env.mark[:])
	s.env.content = encoded
	if info.Remembered {
		s.env.clocks = m.opts.Remember
	}
	return s, nil
}

// setTimes gives a session the times of info, or of a login just now.
func (m *Manager[T]) setTimes(given *state, info Info[T], now time.Time) {
	env := &given.env
	env.created = milli(info.CreatedAt, now)
	env.renewed = env.created
	if info.Subject != "" {
		env.loggedIn = milli(info.AuthenticatedAt, now)
		env.authenticated = env.loggedIn
	}
	given.expiresAt = m.idleUntil(env, fromMilli(milli(info.LastUsedAt, now)))
}

// milli converts a time to milliseconds since 1970. The zero time means now.
func milli(at, now time.Time) int64 {
	if at.IsZero() {
		at = now
	}
	return at.UnixMilli()
}
