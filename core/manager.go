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
	likely   envelope // of a new session: carrier, realm, schema, codec, the encoded zero T
	carriers []any    // that are read; each a carrierKey, boxed once
	line     cookieLine
	queue    queue
	watch    watch

	standard  bool // the codec is the default
	lossy     bool // the codec may lose a part of a T
	shape     shape
	throttles map[EventKind]*throttle
	warned    atomic.Bool // warnOfPlain has logged
}

func (e *engine) core() *engine { return e }

func (m *Manager[T]) visitor(ctx context.Context) (*visit, error) {
	s, err := m.handle(ctx, false)
	if err != nil {
		return nil, err
	}
	return &s.visit, nil
}

var managers atomic.Uint64 // counts them, so that each has its own key

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
	m.line = filled.Cookie.line()
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
// Vary: Cookie. A first call after that returns [ErrHeadersSent], unless the
// response already keeps shared caches away: by Vary: Cookie, or by
// Cache-Control: private or no-store.
//
// Get is safe for concurrent use. But with [Options.Observer] or
// [Options.Logger] it reads the route, which the router writes. So a goroutine
// that a middleware starts must not call Get. Call it in the middleware, and
// pass the Session on.
//
// The error is [ErrNoSession] without the middleware, or if the first call
// comes after the request. If the store failed, it is [ErrUnavailable], and Get
// never returns an empty session instead. If the client has left, it is
// [context.Canceled]. It is also an error if another manager reads the same
// cookie or header on this request.
//
// With [ErrUndecodable], Get also returns a Session that has the ID of the
// stored one. [Session.Login] and [Session.Destroy] end the stored session;
// Update and Renew return the error. If a newer release of this library wrote
// the session, Destroy returns the error too, and Login leaves it in the store.
//
// With [Options.Device], a browser may say that it could not refresh its cookie.
// The error is then [ErrUnavailable], and Get also returns a Session that can
// only log in.
func (m *Manager[T]) Get(ctx context.Context) (*Session[T], error) { return m.handle(ctx, true) }

// Peek describes the session of the request that ctx belongs to, and does not
// count as a use. So a poll that calls Peek does not keep the session alive.
// Peek stores nothing and renews no secret. A call of [Manager.Get] on the same
// request still counts.
//
// The error is [ErrNotFound] if the visitor came without a session,
// [ErrSuperseded] for a straggler, or an error of Get. As with Get, make the
// first call before the first byte of the response.
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

// handle returns the session of a request. use says whether this counts as a
// use.
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
		return found, nil // put there by NewContext
	case error:
		return nil, found
	}
	return nil, ErrNoSession
}

// Update changes the data of a stored session of this realm from outside a
// request, such as from a job. The change is stored at once. It does not count
// as a use and does not move the expiry.
//
// fn and the errors are those of [Session.Update] and [Session.Commit]. The
// error is [ErrNotFound] if there is no such session.
func (m *Manager[T]) Update(ctx context.Context, id ID, fn func(*T) error) error {
	return m.update(ctx, id, "", fn)
}

// update is [Manager.Update]. If subject is not empty, the session must belong
// to it.
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

// collides reports whether the manager of an outer middleware reads the same
// carrier on this request.
func (e *engine) collides(ctx context.Context) bool {
	for _, c := range e.carriers {
		if _, ok := ctx.Value(c).(*Exchange); ok {
			return true
		}
	}
	return false
}
