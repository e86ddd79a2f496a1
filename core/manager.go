package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
)

// A Manager gives each request its session, whose data is a T. Make one with
// [New] and share it: it is safe for concurrent use. T is any type that
// [Options.Codec] can encode; the default is encoding/json. If T is a map or a
// pointer, the data is never nil.
type Manager[T any] struct {
	engine
	cache *cache[T] // nil if T is not plain
}

// An engine is the part of a Manager that does not depend on T. It handles data
// as bytes.
type engine struct {
	store    Store
	opts     Options
	key      any      // Exchange.Key, boxed once
	likely   envelope // what a new session has: carrier, realm, schema, codec, the encoded zero T
	carriers []any    // what is read: each a carrierKey, boxed once
	queue    queue
	watch    watch

	standard  bool // the codec is the default
	lossy     bool // the codec may lose a part of a T
	shape     shape
	throttles map[EventKind]*throttle
	warned    atomic.Bool // of plain http
}

func (e *engine) core() *engine { return e }

func (m *Manager[T]) visitor(ctx context.Context) (*visit, error) {
	s, err := m.handle(ctx, false)
	if err != nil {
		return nil, err
	}
	return &s.visit, nil
}

var managers atomic.Uint64 // that were made

// New returns a Manager over a store. It does not call the store: see
// [Manager.Ping]. Nil opts mean the defaults; New copies the options. The error
// joins all faults of the options. It is also an error if the codec cannot
// encode and decode a zero T, or if JSON would keep nothing of a T.
func New[T any](store Store, opts *Options) (*Manager[T], error) {
	filled, err := opts.withDefaults()
	if store == nil {
		err = errors.Join(errors.New("session: New needs a store, such as memory.New(nil)"), err)
	}
	if err != nil {
		return nil, err
	}
	m := &Manager[T]{engine: engine{store: store, opts: filled, lossy: true, throttles: throttles()}}
	m.key = fmt.Sprintf("github.com/gostateful/session/core.Manager %d", managers.Add(1))
	codec := &m.opts.Codec
	if m.standard = opts == nil || opts.Codec.Name == ""; m.standard {
		if err := checkType(reflect.TypeFor[T]()); err != nil {
			return nil, err
		}
		m.lossy = loses(reflect.TypeFor[T](), map[reflect.Type]bool{})
	}
	if m.shape = shapeOf(reflect.TypeFor[T](), m.lossy); m.shape.plain {
		m.cache = newCache[T]()
	}
	zero, back := empty[T](), new(T)
	encoded, err := codec.Marshal(zero)
	if err != nil {
		return nil, fmt.Errorf("session: codec %q cannot encode %T: %w", codec.Name, *zero, err)
	}
	if err := codec.Unmarshal(encoded, back); err != nil {
		return nil, fmt.Errorf("session: codec %q cannot decode the %T that it encoded: %w", codec.Name, *zero, err)
	}
	m.likely = envelope{
		carrier: filled.carriers()[0], realm: filled.Realm,
		content: content{schema: filled.Schema, codec: codec.Name, data: encoded},
	}
	for _, name := range filled.carriers() {
		m.carriers = append(m.carriers, carrierKey(name))
	}
	return m, nil
}

// Get returns the session of the request that ctx belongs to. The first call of
// a request loads the session from the store. Later calls return the same
// Session. A visitor without a session gets a new one, which is stored when it
// is first changed. A straggler gets an empty session that it can only log in
// to: see [Options.StragglerWindow].
//
// Make the first call before the first byte of the response, which then says
// Vary: Cookie. After it, the first call returns [ErrHeadersSent], unless the
// response already keeps shared caches away: by Vary: Cookie, or by
// Cache-Control: private or no-store.
//
// Get is safe for concurrent use. But with [Options.Observer] or
// [Options.Logger] it reads the route, which the router writes. So a goroutine
// that a middleware starts must not call Get. Call it in the middleware, and
// pass the Session on.
//
// The error is [ErrNoSession] without the middleware, or if the first call
// comes after the request. It is [ErrUnavailable] if the store failed (never an
// empty session), and [context.Canceled] if the client has left. It is also an
// error if another manager reads the same cookie or header on this request.
//
// With [ErrUndecodable] Get returns a Session too, which has the ID of the
// stored one. [Session.Login] and [Session.Destroy] end the stored session;
// Update and Renew return the error. If a newer release of this library wrote
// the session, Destroy returns the error too, and Login leaves it in the store.
func (m *Manager[T]) Get(ctx context.Context) (*Session[T], error) { return m.handle(ctx, true) }

// Peek describes the session of the request that ctx belongs to, without
// counting as a use. So a poll that calls Peek does not keep the session alive.
// Peek stores nothing and renews no secret. If anything calls [Manager.Get] on
// the same request, that counts.
//
// The error is [ErrNotFound] if the visitor came without a session,
// [ErrSuperseded] for a straggler, or one of Get. As with Get, the first call
// comes before the first byte of the response.
func (m *Manager[T]) Peek(ctx context.Context) (Info[T], error) {
	s, err := m.handle(ctx, false)
	if err != nil {
		return Info[T]{}, err
	}
	seen := s.visit.seen()
	if seen.isNew {
		return Info[T]{}, cmp.Or(s.visit.reason(), ErrNotFound)
	}
	info := m.info(&seen)
	info.Data = s.Data()
	return info, nil
}

// handle returns the session of a request, and counts that as a use or not.
func (m *Manager[T]) handle(ctx context.Context, use bool) (*Session[T], error) {
	switch found := ctx.Value(m.key).(type) {
	case *Exchange:
		t, err := found.loaded(use)
		if t == nil {
			s := &Session[T]{m: m}
			s.visit.typed = s
			t, err = found.load(ctx, &s.visit, use)
		}
		s, _ := t.(*Session[T])
		return s, err
	case *Session[T]:
		return found, nil // of NewContext
	case error:
		return nil, found
	}
	return nil, ErrNoSession
}

// Update changes the data of a stored session of this realm, from outside its
// requests, such as from a job. The change is stored at once. It does not count
// as a use: the session expires when it would have expired anyway.
//
// fn and the errors are those of [Session.Update] and [Session.Commit]. The
// error is [ErrNotFound] if there is no such session.
func (m *Manager[T]) Update(ctx context.Context, id ID, fn func(*T) error) error {
	return m.update(ctx, id, "", fn)
}

// update is Update of a session that belongs to a subject, or to anybody.
func (m *Manager[T]) update(ctx context.Context, id ID, subject string, fn func(*T) error) error {
	if id.IsZero() {
		return errZeroID
	}
	s := &Session[T]{m: m}
	v := &s.visit
	v.engine, v.typed, v.gate, v.ctx, v.base.proof = m.core(), s, new(gate), ctx, trusted
	if err := v.reach(ctx, id); err != nil {
		return err
	}
	if subject != "" && s.Subject() != subject {
		return ErrNotFound
	}
	if err := s.Update(fn); err != nil {
		return err
	}
	return s.Commit(ctx)
}

// carries reports whether the engine reads this carrier.
func (e *engine) carries(carrier carrierKey) bool {
	for _, c := range e.carriers {
		if c.(carrierKey) == carrier {
			return true
		}
	}
	return false
}

// collides reports whether a manager further out on this request reads the same
// carrier.
func (e *engine) collides(ctx context.Context) bool {
	for _, c := range e.carriers {
		if _, ok := ctx.Value(c).(*Exchange); ok {
			return true
		}
	}
	return false
}
