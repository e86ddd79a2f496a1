package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// A Manager gives each request its session, whose data is a T. Make one with
// New, share it; it is safe for concurrent use. T is whatever the codec can
// encode: for the default codec, whatever encoding/json can.
type Manager[T any] struct {
	engine
}

// An engine is all of a Manager that does not depend on T. It knows data only
// as bytes.
type engine struct {
	store    Store
	opts     Options
	likely   envelope // of a new session: texts, and the encoding of the zero T
	carriers []any    // each a cookieKey, boxed once: the names of the cookies that are read
	queue    queue
}

func (e *engine) core() *engine { return e }

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
	m := &Manager[T]{engine{store: store, opts: filled}}
	var zero, back T
	codec := &m.opts.Codec
	empty, err := codec.Marshal(&zero)
	if err != nil {
		return nil, fmt.Errorf("session: codec %q cannot encode %T: %w", codec.Name, zero, err)
	}
	if err := codec.Unmarshal(empty, &back); err != nil {
		return nil, fmt.Errorf("session: codec %q cannot decode the %T that it encoded: %w", codec.Name, zero, err)
	}
	m.likely = envelope{
		carrier: filled.Cookie.Name, realm: filled.Realm,
		content: content{schema: filled.Schema, codec: codec.Name, data: empty},
	}
	for _, name := range filled.Cookie.names() {
		m.carriers = append(m.carriers, cookieKey(name))
	}
	return m, nil
}

// Get returns the session of the request that the context belongs to. The
// first call of a request loads it, which is the request's only read from the
// store; the others return the same handle. A visitor without a session gets a
// new one, which is stored when it is first changed.
//
// Call it before the first byte of the response, which then says Vary: Cookie.
// Later, the first call is refused with ErrHeadersSent, unless the header that
// was sent keeps shared caches away by itself.
//
// With an Observer or a Logger, Get asks the router for the route. So a goroutine
// that a middleware started must not call it while the router is still at work;
// it may use the Session that the middleware got.
//
// The error is ErrNoSession without the middleware, ErrUnavailable when the store
// failed (never an empty session), ErrUndecodable when the data cannot be read.
// If the client has left it is context.Canceled.
func (m *Manager[T]) Get(ctx context.Context) (*Session[T], error) {
	switch found := ctx.Value(m.core()).(type) {
	case *Exchange:
		t := found.loaded()
		if t == nil {
			s := &Session[T]{m: m}
			s.visit.typed = s
			var err error
			if t, err = found.load(ctx, &s.visit); err != nil {
				return nil, err
			}
		}
		return t.(*Session[T]), nil
	case *Session[T]:
		return found, nil // of NewContext
	case error:
		return nil, found
	}
	return nil, ErrNoSession
}

// NewContext returns a context whose session, for this manager, belongs to
// subject (which may be empty) and holds data: for tests of handlers, without
// a server, with or without the adapter's middleware. Nothing of it reaches the
// store or a cookie. Get on the same context afterwards shows what the handler
// made of it.
func (m *Manager[T]) NewContext(ctx context.Context, subject string, data T) context.Context {
	s := &Session[T]{m: m}
	v := &s.visit
	v.typed, v.gate, v.ctx = s, new(gate), ctx
	v.engine = &engine{store: new(aside), opts: m.opts, likely: m.likely}
	v.engine.opts.Observer, v.engine.opts.Logger = nil, slog.New(slog.DiscardHandler)
	v.start()
	v.base.proof, v.base.isNew = trusted, false
	encoded, err := m.opts.Codec.Marshal(&data)
	if err == nil {
		err = s.adopt(encoded)
	}
	if err != nil {
		err = fmt.Errorf("session: NewContext: the data does not survive codec %q: %w", m.opts.Codec.Name, err)
		return context.WithValue(ctx, m.core(), err)
	}
	v.base.subject, v.base.env.data = subject, encoded
	if subject != "" {
		v.base.env.authenticated = v.base.env.created
	}
	v.drop()
	return context.WithValue(ctx, m.core(), s)
}

// aside is the store of a test's session: it keeps what was written last.
type aside struct {
	Store
	mu   sync.Mutex // guards last
	last Record
}

func (a *aside) Create(_ context.Context, r Record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = r
	return nil
}

func (a *aside) Update(ctx context.Context, r Record) error { return a.Create(ctx, r) }

func (a *aside) Load(_ context.Context, id ID) (Record, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last.ID != id {
		return Record{}, ErrNotFound
	}
	return a.last, nil
}

func (a *aside) Touch(context.Context, ID, time.Time) error { return nil }

// Update changes the data of a session from outside its requests, such as from
// a job, with the promises of Session.Update. It does not count as use: the
// expiry stays. ErrNotFound if there is no such session.
func (m *Manager[T]) Update(ctx context.Context, id ID, fn func(*T) error) error {
	if id.IsZero() {
		return errZeroID
	}
	s := &Session[T]{m: m}
	v := &s.visit
	v.engine, v.typed, v.gate, v.ctx, v.base.proof = m.core(), s, new(gate), ctx, trusted
	if err := v.reach(ctx, id); err != nil {
		return err
	}
	if err := s.Update(fn); err != nil {
		return err
	}
	return s.Commit(ctx)
}

// carries reports whether the engine reads the cookie of a name.
func (e *engine) carries(name cookieKey) bool {
	for _, c := range e.carriers {
		if c.(cookieKey) == name {
			return true
		}
	}
	return false
}

// collides reports whether another manager, further out on the same request,
// reads a cookie of the same name.
func (e *engine) collides(ctx context.Context) bool {
	for _, c := range e.carriers {
		if _, ok := ctx.Value(c).(*Exchange); ok {
			return true
		}
	}
	return false
}

// decode reads data of the present schema and codec into a new T.
func decode[T any](e *engine, data []byte) (*T, error) {
	v := new(T)
	if bytes.Equal(data, e.likely.data) {
		return v, nil
	}
	if err := e.opts.Codec.Unmarshal(data, v); err != nil {
		return nil, err
	}
	return v, nil
}
