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
// new one, which is stored when it is first changed. With an Observer or a Logger,
// a goroutine of a middleware may not call Get while the router is still at work,
// as Get asks for the route; it may use the Session that the middleware got.
//
// ErrNoSession without the middleware, ErrUnavailable when the store failed
// (never an empty session), ErrUndecodable when the data cannot be read.
func (m *Manager[T]) Get(ctx context.Context) (*Session[T], error) {
	x, ok := ctx.Value(m.engine()).(*Exchange)
	if !ok {
		return nil, ErrNoSession
	}
	// Events are told when the lock is free: a Logger may call Get itself.
	var events []Event
	s, err := m.get(ctx, x, &events)
	for _, e := range events {
		m.emit(ctx, e)
	}
	return s, err
}

func (m *Manager[T]) get(ctx context.Context, x *Exchange, events *[]Event) (*Session[T], error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.learn()
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
	s, err := m.load(ctx, x, events)
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
	if err == nil {
		_, err = m.decode(encoded)
	}
	if err != nil {
		x.failure = fmt.Errorf("session: NewContext: the data does not survive codec %q: %w", m.opts.Codec.Name, err)
		return x
	}
	s.now.env.data = encoded
	s.base = s.now
	x.session = s
	return x
}

// load looks for the session that one of the request's tokens opens.
func (m *Manager[T]) load(ctx context.Context, x *Exchange, events *[]Event) (*Session[T], error) {
	if given, ok := x.Context.Value(m.engine()).(*Exchange); ok && given.offline {
		return m.Get(given) // a test sends its context through the middleware
	}
	var superseded bool
	tokens, n := m.opts.Cookie.tokens(x.cookies)
	for _, t := range tokens[:n] {
		started := m.now()
		b := bound(ctx, m.opts.StoreTimeout)
		rec, env, err := m.fetch(b, t.id)
		b.stop()
		var s *Session[T]
		kind := EventLoaded
		if err == nil {
			s, kind, err = m.open(x, rec, env, t.digest())
		}
		switch {
		case err == nil:
		case err == errExpired:
			kind, err = EventExpired, nil
		case errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUndecodable): // whatever Migrate wraps
			kind, err = EventMissed, nil
		case err == ErrSuperseded:
			superseded, err = true, nil
		case errors.Is(err, ErrUndecodable) && m.opts.DiscardUndecodable:
			// The record stays, for a program that can read it.
			kind = EventDiscarded
		default:
			m.note(events, EventError, t.id, rec.Subject, started, err)
			return nil, err
		}
		m.note(events, kind, t.id, rec.Subject, started, err)
		if s != nil {
			return s, nil
		}
	}
	s := m.newSession(x)
	if superseded {
		s.refuse = ErrSuperseded
	}
	return s, nil
}

// open makes a record the request's session, if the secret opens it; else it
// returns ErrSuperseded and what to report.
func (m *Manager[T]) open(x *Exchange, rec Record, env envelope, d digest) (*Session[T], EventKind, error) {
	now := time.Now()
	held := env.check(d, now)
	switch {
	case held == replaced && now.After(fromMilli(env.renewed).Add(m.opts.RenewGrace)):
		return nil, EventReused, ErrSuperseded
	case held < graced:
		return nil, EventMissed, ErrSuperseded
	}
	s := &Session[T]{m: m, x: x, stored: true, digest: d, graced: held == graced}
	if err := s.adopt(rec, env); err != nil {
		return nil, EventError, undecodable(rec.ID, err)
	}
	return s, EventLoaded, nil
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
	if err != nil || reflect.DeepEqual(original, snapshot) {
		return
	}
	err = errors.New("session: what Data returned was changed in place, and the change is lost: change it in Update")
	m.opts.Logger.LogAttrs(ctx, slog.LevelError, err.Error(), slog.String("id", id.String()))
	m.event(ctx, EventError, id, "", time.Time{}, err)
}
