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
// [New] and share it: it is safe for concurrent use. T is any type that
// Options.Codec can encode; the default is encoding/json.
type Manager[T any] struct {
	engine
}

// An engine is the part of a Manager that does not depend on T. It handles data
// as bytes.
type engine struct {
	store    Store
	opts     Options
	likely   envelope // what a new session has: carrier, realm, schema, codec, the encoded zero T
	carriers []any    // the names of the cookies that are read: each a cookieKey, boxed once
	queue    queue
}

func (e *engine) core() *engine { return e }

// New returns a Manager over a store. Nil options mean the defaults; New copies
// the options. Its error joins all faults of the options. It is also an error if
// the codec cannot encode and decode a zero T.
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

// Get returns the session of the request that ctx belongs to. The first call of
// a request loads the session from the store. Later calls return the same
// handle. A visitor without a session gets a new one, which is stored when it is
// first changed. A request with a replaced secret gets an empty session that it
// can only log in to: see Options.StragglerWindow.
//
// Make the first call before the first byte of the response, which then says
// Vary: Cookie. After it, the first call returns [ErrHeadersSent], unless the
// response already keeps shared caches away: by Vary: Cookie, or by
// Cache-Control: private or no-store.
//
// If Options.Observer or Options.Logger is set, Get asks the router for the
// route. So a goroutine that a middleware started must not call Get while the
// router is at work. It may use a Session that the middleware got.
//
// The error is [ErrNoSession] without the middleware, or if the first call comes
// after the request, [ErrUnavailable] if the store failed (never an empty session),
// [ErrUndecodable] if the data cannot be read, and [context.Canceled] if the
// client has left. It is also an error if another manager reads the same cookie
// on this request.
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

// NewContext returns a context with a session for tests of handlers. The session
// belongs to subject, which may be empty, and holds data. No server is needed;
// the adapter's middleware may be there or not. Nothing reaches the store or a
// cookie. After the handler has run, [Manager.Get] on the same context shows what
// it changed. If the codec cannot keep data, Get returns the error.
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

// aside is the store of a session of NewContext. It keeps the last record.
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
// a job. fn and the errors are those of [Session.Update], and the change is
// written at once, as by [Session.Commit]. It does not count as use: the expiry
// stays. The error is [ErrNotFound] if there is no such session.
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

// carries reports whether the engine reads the cookie of this name.
func (e *engine) carries(name cookieKey) bool {
	for _, c := range e.carriers {
		if c.(cookieKey) == name {
			return true
		}
	}
	return false
}

// collides reports whether a manager further out on this request reads a cookie
// of the same name.
func (e *engine) collides(ctx context.Context) bool {
	for _, c := range e.carriers {
		if _, ok := ctx.Value(c).(*Exchange); ok {
			return true
		}
	}
	return false
}

// decode reads data of the present codec and schema into a new T.
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
