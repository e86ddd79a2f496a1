package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"
)

// A Manager gives each request its session, whose data is a T. Make one with
// New, share it; it is safe for concurrent use. T is whatever the codec can
// encode: for the default codec, whatever encoding/json can.
type Manager[T any] struct {
	config
	empty []byte // the encoding of the zero T: a new session that stays so is never stored
}

// config is what a Manager knows that does not depend on T.
type config struct {
	store Store
	opts  Options
	queue conflictQueue
}

// New returns a Manager over a store. Nil options mean the defaults. All
// faults of the options, and a T that the codec cannot encode, are returned
// at once, joined.
func New[T any](store Store, opts *Options) (*Manager[T], error) {
	filled, err := opts.withDefaults()
	if store == nil {
		err = errors.Join(errors.New("session: New needs a store, such as memory.New(nil)"), err)
	}
	if err != nil {
		return nil, err
	}
	m := &Manager[T]{config: config{store: store, opts: filled, queue: newConflictQueue()}}
	var zero, back T
	if m.empty, err = m.opts.Codec.Marshal(&zero); err != nil {
		return nil, fmt.Errorf("session: codec %q cannot encode %T: %w", m.opts.Codec.Name, zero, err)
	}
	if err := m.opts.Codec.Unmarshal(m.empty, &back); err != nil {
		return nil, fmt.Errorf("session: codec %q cannot decode the %T that it encoded: %w", m.opts.Codec.Name, zero, err)
	}
	return m, nil
}

// Get returns the session of the request that the context belongs to. The
// first call of a request loads it, which is the request's only read from the
// store; the others return the same handle. A visitor without a session gets a
// new one, which is stored when it is first changed.
//
// ErrNoSession without the middleware, ErrUnavailable when the store failed
// (never an empty session), ErrUndecodable when the data cannot be read.
func (m *Manager[T]) Get(ctx context.Context) (*Session[T], error) {
	x, ok := ctx.Value(m.engine()).(*Exchange)
	if !ok {
		return nil, ErrNoSession
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.session != nil {
		return x.session.(*Session[T]), nil
	}
	if x.failure != nil {
		return nil, x.failure
	}
	if x.phase.Load() == finished {
		return nil, fmt.Errorf("%w: the request is over; call Get while it is handled", ErrNoSession)
	}
	x.asked = true
	s, err := m.load(ctx, x)
	if err != nil {
		if ctx.Err() == nil { // a caller's own deadline may pass, the store's failure stays
			x.failure = err
		}
		return nil, err
	}
	x.session = s
	return s, nil
}

// NewContext returns a context whose session, for this manager, belongs to
// subject (which may be empty) and holds data: for tests of handlers, without
// a server, with or without the adapter's middleware. Nothing of it reaches the
// store or a cookie. Get on the same context afterwards shows what the handler
// made of it.
func (m *Manager[T]) NewContext(ctx context.Context, subject string, data T) context.Context {
	x := &Exchange{Context: ctx, manager: m.engine(), offline: true}
	s := m.newSession(x)
	s.stored, s.isNew = true, false
	s.now.subject = subject
	if subject != "" {
		s.now.env.authenticated = s.now.env.created
	}
	encoded, err := m.opts.Codec.Marshal(&data)
	if err != nil {
		x.failure = fmt.Errorf("session: encode: %w", err)
		return x
	}
	s.now.env.data = encoded
	s.base = s.now
	x.session = s
	return x
}

// load looks for the session that one of the request's tokens opens.
func (m *Manager[T]) load(ctx context.Context, x *Exchange) (*Session[T], error) {
	if given, ok := x.Context.Value(m.engine()).(*Exchange); ok && given.offline {
		return m.Get(given) // a test sends its context through the middleware
	}
	tokens, n, present := m.opts.Cookie.tokens(x.cookies)
	x.presented = present
	var superseded bool
	for _, t := range tokens[:n] {
		started := m.now()
		b := bound(ctx, m.opts.StoreTimeout)
		rec, err := m.store.Load(b, t.id)
		b.stop()
		if errors.Is(err, ErrNotFound) {
			m.event(ctx, EventMissed, t.id, "", started, nil)
			continue
		}
		if err != nil {
			err = unavailable("load", err)
			m.event(ctx, EventError, t.id, "", started, err)
			return nil, err
		}
		s, err := m.open(ctx, x, rec, t.digest(), started)
		if errors.Is(err, ErrSuperseded) {
			superseded = true
		} else if err != nil || s != nil {
			return s, err
		}
	}
	s := m.newSession(x)
	if superseded {
		s.refuse = ErrSuperseded
	}
	return s, nil
}

// open turns a record into the request's session, if the secret opens it.
// Without a session and an error, there is none to be had.
func (m *Manager[T]) open(ctx context.Context, x *Exchange, rec Record, d digest, started time.Time) (*Session[T], error) {
	now := time.Now()
	env, err := openEnvelope(rec.Data, m.opts.Codec.Name)
	if err != nil {
		return nil, m.undecodable(ctx, rec, started, err)
	}
	if m.over(rec.ExpiresAt, &env, now) {
		m.event(ctx, EventExpired, rec.ID, rec.Subject, started, nil)
		return nil, nil
	}
	held := env.check(d, now)
	switch {
	case held == replaced && now.After(fromMilli(env.renewed).Add(m.opts.RenewGrace)):
		m.event(ctx, EventReused, rec.ID, rec.Subject, started, nil)
		return nil, ErrSuperseded
	case held < graced:
		m.event(ctx, EventMissed, rec.ID, rec.Subject, started, nil)
		return nil, ErrSuperseded
	}
	s := &Session[T]{m: m, x: x, stored: true, digest: d}
	if err := s.adopt(rec, env); err != nil {
		return nil, m.undecodable(ctx, rec, started, err)
	}
	m.event(ctx, EventLoaded, rec.ID, rec.Subject, started, nil)
	return s, nil
}

// undecodable applies the policy for a record that cannot be read: nil starts
// afresh. The record stays as it is, for a program that can read it.
func (m *Manager[T]) undecodable(ctx context.Context, rec Record, started time.Time, err error) error {
	err = fmt.Errorf("%w: session %v: %w", ErrUndecodable, rec.ID, err)
	if m.opts.DiscardUndecodable {
		m.event(ctx, EventDiscarded, rec.ID, rec.Subject, started, err)
		return nil
	}
	m.event(ctx, EventError, rec.ID, rec.Subject, started, err)
	return err
}

// over reports whether either clock has run out (law 15): the store's own
// expiry is for cleaning up, and may be late.
func (m *Manager[T]) over(expiresAt time.Time, env *envelope, now time.Time) bool {
	return !now.Before(expiresAt) || !now.Before(env.startedAt().Add(m.opts.Lifetime))
}

// decode reads data of the present schema and codec into a new T.
func (m *Manager[T]) decode(data []byte) (*T, error) {
	v := new(T)
	if bytes.Equal(data, m.empty) {
		return v, nil
	}
	if err := m.opts.Codec.Unmarshal(data, v); err != nil {
		return nil, err
	}
	return v, nil
}

// migrate brings the data of an envelope into the present encoding.
func (m *Manager[T]) migrate(env *envelope) error {
	o := &m.opts
	if env.codec == o.Codec.Name && (env.schema >= o.Schema || o.Migrate == nil) {
		return nil
	}
	if o.Migrate == nil {
		return fmt.Errorf("codec is %q, and data was written by codec %q: set Options.Migrate", o.Codec.Name, env.codec)
	}
	data, err := o.Migrate(Encoded{Codec: env.codec, Schema: env.schema, Data: bytes.Clone(env.data)})
	if err != nil {
		return fmt.Errorf("migrate from codec %q, schema %d: %w", env.codec, env.schema, err)
	}
	env.codec, env.schema, env.data = o.Codec.Name, o.Schema, data
	return nil
}

// checkUntouched reports, at debug level, a snapshot that was changed in place.
func (m *Manager[T]) checkUntouched(ctx context.Context, id ID, snapshot *T, data []byte) {
	if m.opts.Logger == nil || !m.opts.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	original, err := m.decode(data)
	if err != nil {
		return
	}
	// What a program sets in an Update need not survive the encoding as it is:
	// so compare what a decoder makes of the two.
	encoded, err := m.opts.Codec.Marshal(snapshot)
	if err == nil {
		var seen *T
		if seen, err = m.decode(encoded); err == nil && reflect.DeepEqual(original, seen) {
			return
		}
	}
	err = errors.New("session: what Data returned was changed in place, and the change is lost: change it in Update")
	m.opts.Logger.LogAttrs(ctx, slog.LevelError, err.Error(), slog.String("id", id.String()))
	m.event(ctx, EventError, id, "", time.Time{}, err)
}
