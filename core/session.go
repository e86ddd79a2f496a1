// Package session keeps a visitor's state on the server. The data has a type
// that the application declares. The browser holds one opaque cookie.
//
// An application makes a [Manager] over a store and installs the adapter of its
// HTTP framework. Handlers call [Manager.Get] for the request's [Session]. The
// package imports no store and no framework. [Store] is the contract of a
// store, [Exchange] that of an adapter.
//
// # Terms
//
//   - The token is the cookie's value: the session's [ID] and a secret. The ID
//     finds the session, and the secret opens it. The store keeps only a hash
//     of the secret.
//   - The subject is who is logged in, such as a user's id.
//   - A use is a request that calls [Manager.Get], or a [Session.Touch]. Only
//     uses keep a session alive.
//   - A straggler is a request that was on its way when a login, a logout or
//     [Session.Renew] ended its secret.
//
// # Following a request
//
// The files are in the order of a request:
//
//	session.go   the typed Session (value.go, cache.go: the decoded data)
//	manager.go   New, Get, Update (options.go)
//	cookie.go    the Cookie header and its tokens (token.go)
//	exchange.go  Begin, Commit, Finish (gate.go)
//	load.go      from a token to a record (envelope.go) and the proof (proof.go)
//	visit.go     the untyped handle: what is stored, what is pending (change.go)
//	encoding.go  codec, migration, edits, merging
//	clocks.go    expiry, touches, renewals
//	plan.go      from what is pending to a record
//	judge.go     what to do when the store did not take the record
//	write.go     the loop that writes the record (queue.go)
//	commit.go    what is added to the response's header
//
// The other files are store.go, id.go, bounded.go (deadlines of store calls),
// admin.go and info.go (sessions seen from outside), watch.go and look.go
// (sessions that are watched), limit.go (sessions of a subject), given.go
// (sessions for tests), import.go (sessions of other libraries), device.go,
// refresh.go, skipped.go and binding.go (sessions bound to a device), plain.go
// (data that can be copied), loss.go (what a codec loses), event.go and
// errors.go.
package session

import (
	"context"
	"strings"
	"time"
)

// A Session is one request's handle on its visitor's session. Get it from
// [Manager.Get]. Its methods are safe for concurrent use by the goroutines of
// the request.
//
// Changes are stored together, before the first byte of the response. If
// another request wrote first, they are replayed on its newer data.
// [Session.Commit] stores them earlier.
type Session[T any] struct {
	m     *Manager[T]
	visit visit

	// The mutex of the visit's gate guards these fields.
	known    known[T] // the data that was decoded or encoded last
	snapshot known[T] // what Data has returned
}

// Data returns a snapshot of the data, with the pending changes of this
// request. Do not change what it points to: other callers of Data share it, and
// the change is not stored. Use [Session.Update].
func (s *Session[T]) Data() T {
	mu := &s.visit.gate.mu
	mu.Lock()
	defer mu.Unlock()
	if data := s.visit.shown().env.data; !s.snapshot.is(data) {
		// No error is expected: the data has been decoded before, or its
		// fingerprint says that it can be.
		value, err := s.fresh(data)
		if err != nil {
			value = empty[T]()
		}
		s.snapshot = known[T]{data: data, value: value}
	}
	return *s.snapshot.value
}

// Update applies fn to the data. If fn returns an error, Update returns it and
// the data stays as it was.
//
// If another request wrote first, fn runs again on the newer data. An error
// from that run fails the commit with [ErrConflict]. So fn must be repeatable:
//
//   - It changes only its argument and reads only what it captured.
//   - It does not call the session or write the response. Both are errors.
//   - It does not wait for a goroutine that does either: both would wait
//     forever.
//
// A new session is stored with its first change, which sets the cookie. After
// the response has begun, that change returns [ErrHeadersSent]. A change to a
// stored session is then saved when the handler returns.
//
// Other errors are
//
//   - [ErrTooLarge] if the data outgrows [Options.MaxBytes];
//   - [ErrUndecodable] if the codec cannot keep what a newer program wrote;
//   - [ErrSuperseded] for a straggler;
//   - [ErrNotFound] if the session is known to have ended;
//   - an error if 1000 changes are pending.
func (s *Session[T]) Update(fn func(*T) error) error {
	if fn == nil {
		return errNoFunction
	}
	return s.visit.change(change{edit: func(old content) (content, error) { return s.edit(old, fn) }})
}

// Login logs in subject, such as a user's id. It replaces the secret, so that
// nobody who knew the old one can use the session (ASVS 7.2.4).
// [Options.Lifetime] begins anew.
//
// The data is kept: a cart survives the login. If another subject was logged
// in, the data is emptied. If this request has lost its session to another
// login, a renewal or an end, Login starts a new, empty one. The cart does not
// come along.
//
// With nil opts, the login happens now and is not remembered, even if an
// earlier one was. If something else fails later in the request, call
// [Session.Discard] to take the login back.
//
// A subject has 1 to 255 bytes of UTF-8, without NUL and without the unit
// separator U+001F. With [Options.Realm], the realm and one more byte count
// towards the 255. After the response has begun Login returns [ErrHeadersSent].
func (s *Session[T]) Login(subject string, opts *LoginOptions) error {
	e := s.visit.engine
	if err := e.checkSubject(subject); err != nil {
		return err
	}
	l := login{subject: strings.Clone(subject), at: time.Now()}
	if opts != nil {
		l.proven = opts.AuthenticatedAt
	}
	if opts != nil && opts.Remember {
		if l.clocks = e.opts.Remember; l.clocks == (Clocks{}) {
			return errNoRemember
		}
	}
	return s.visit.change(change{login: &l, renewal: demanded})
}

// LoginOptions are the options of [Session.Login].
type LoginOptions struct {
	// Remember is "keep me signed in". The session gets the clocks of
	// Options.Remember and a persistent cookie. Without Options.Remember, Login
	// returns an error.
	Remember bool

	// AuthenticatedAt is when the subject proved its identity, if that was earlier:
	// at a single sign-on, or before an import. account.Guard.Within counts from
	// it. Options.Lifetime still counts from the call of Login. The zero time and
	// any future time mean now. time.Unix(0, 0) and any time before it, except the
	// zero time, mean never.
	AuthenticatedAt time.Time
}

// Renew replaces the secret and keeps everything else. Call it after any change
// of privilege. After the commit, the previous secret is refused. Renew does
// nothing to a session that is not stored yet. It returns [ErrSuperseded] for a
// straggler, and [ErrHeadersSent] after the response has begun.
func (s *Session[T]) Renew() error { return s.visit.change(change{renewal: demanded}) }

// Destroy ends the session: logout. It drops the pending changes. The Session
// is then a new, empty one. When the response begins, the old session ends in
// the store and the cookie is removed. If the response has already begun, the
// session ends when the handler returns. The cookie then stays, and opens
// nothing.
//
// For [Options.StragglerWindow], other requests with a secret of the ended
// session are stragglers. A straggler of a login or a renewal cannot end the
// session: Destroy or the commit returns [ErrSuperseded].
//
// Only the request that ended the session removes the cookie. If another was
// first, Destroy succeeds and leaves the cookie: it may already belong to a
// newer session.
func (s *Session[T]) Destroy() error { return s.visit.destroy() }

// DestroyAll logs the subject out everywhere. It ends the subject's other
// sessions at once, like [Manager.RevokeAll]. This one ends with the response,
// like [Session.Destroy]. If nobody is logged in, DestroyAll does the same as
// Destroy.
//
// If the store fails, the error is [ErrUnavailable] and this session goes on.
// Some of the others may have ended.
func (s *Session[T]) DestroyAll(ctx context.Context) error {
	if seen := s.visit.seen(); seen.subject != "" {
		if err := s.visit.reason(); err == errInsideUpdate {
			return err // before anything has ended
		}
		if _, err := s.m.RevokeAll(ctx, seen.subject, seen.id); err != nil {
			return err
		}
	}
	return s.Destroy()
}

// Discard drops the pending changes of this request: those of Update, Login and
// Renew. A Destroy stays. Call it before an error page, so that a login is not
// stored when what should have followed it failed.
//
// Do not defer it like the Rollback of a transaction. A handler that has
// written nothing yet would lose its good changes too.
func (s *Session[T]) Discard() { s.visit.undo() }

// Touch records a use of the session at once. Streams and other long requests
// call it to outlast [Options.IdleTimeout]. It may be called after the response
// has begun, and after the handler has returned. ctx and [Options.StoreTimeout]
// bound the call.
//
// The error is [ErrNotFound] if the session is not stored, has ended, or now
// belongs to another login, and [ErrUnavailable] if the store failed.
func (s *Session[T]) Touch(ctx context.Context) error {
	v := &s.visit
	if err := v.gate.enter(ctx); err != nil {
		return err
	}
	defer v.leave()
	return v.keepAlive(ctx)
}

// Commit stores the pending changes now, for a handler that must know the
// outcome before it acts. The deadline of ctx and [Options.StoreTimeout] bound
// it. The cancellation of ctx does not: a client that leaves does not interrupt
// it.
//
// The error is
//
//   - [ErrNotFound] if the session ended meanwhile;
//   - [ErrSuperseded] if a login or a renewal replaced the secret;
//   - [ErrConflict] if other writers kept winning, or an Update function
//     refused the newer data;
//   - [ErrUnavailable] if the outcome is unknown;
//   - [ErrHeadersSent] if the request is over.
//
// On an error the pending changes are dropped. But a Destroy stays pending, unless
// it was refused, and is tried again with the response. If Commit timed
// out while it waited for another goroutine of the request, everything stays
// pending.
//
// Commit sends no cookie: the response does. If the handler panics before that,
// or the commit of the response fails, the browser gets no cookie. It then has
// no access to a session that Commit created, renewed or logged in.
func (s *Session[T]) Commit(ctx context.Context) error {
	return s.visit.commitNow(ctx, nil)
}

// Take takes a value out of the data, at most once: a flash message, or a
// one-time token. Of overlapping requests, in one process or in many, only one
// gets it.
//
// fn removes the value from its argument and returns it. It may run again, like
// a function of [Session.Update]. Take stores the change at once, like
// [Session.Commit], and returns what the last run returned. If fn changes
// nothing, nothing is stored.
//
// On an error Take returns the zero V. The value is then still there, but after
// [ErrUnavailable] it may be lost. Take fails while other changes are pending:
// call it before them, or after Commit. Other errors are those of Update and
// Commit.
func Take[T, V any](ctx context.Context, s *Session[T], fn func(*T) V) (V, error) {
	var none, taken V
	if fn == nil {
		return none, errNoFunction
	}
	err := s.visit.commitNow(ctx, &change{edit: func(old content) (content, error) {
		return s.edit(old, func(data *T) error { taken = fn(data); return nil })
	}})
	if err != nil {
		return none, err
	}
	return taken, nil
}

// String returns the ID with a label, so that printing a Session shows no secret.
func (s *Session[T]) String() string { return "session " + s.ID().String() }

// GoString is [Session.String]: %#v prints no secret either.
func (s *Session[T]) GoString() string { return s.String() }

// ID names the session in logs and in lists of devices. It opens nothing. It is
// final once the session is stored. [Session.Destroy] gives the handle a new
// ID; so does [Session.Login] if the request has lost its session.
func (s *Session[T]) ID() ID { return s.visit.seen().id }

// IsNew reports whether this request started the session.
func (s *Session[T]) IsNew() bool { return s.visit.seen().isNew }

// Subject returns who is logged in, as given to [Session.Login], or "" if
// nobody is.
func (s *Session[T]) Subject() string { return s.visit.seen().subject }

// CreatedAt returns when the session began.
func (s *Session[T]) CreatedAt() time.Time {
	seen := s.visit.seen()
	return fromMilli(seen.env.created)
}

// Remembered reports whether the last login asked to be remembered.
func (s *Session[T]) Remembered() bool {
	seen := s.visit.seen()
	return seen.env.remembered()
}

// Binding reports whether the session is bound to the device of its browser: see
// [Options.Device].
func (s *Session[T]) Binding() Binding {
	seen := s.visit.seen()
	return s.visit.engine.bindingOf(&seen.env)
}

// AuthenticatedAt returns when the subject proved its identity: the time of the
// last [Session.Login], or its [LoginOptions.AuthenticatedAt]. The zero time
// means never.
func (s *Session[T]) AuthenticatedAt() time.Time {
	seen := s.visit.seen()
	return fromMilli(seen.env.authenticated)
}

// ExpiresAt returns when the session ends if it is not used again. The commit
// of this request may still move it.
func (s *Session[T]) ExpiresAt() time.Time {
	seen := s.visit.seen()
	return s.visit.engine.endsAt(&seen)
}

// LifetimeEndsAt returns when the session ends however much it is used. A login
// moves it.
func (s *Session[T]) LifetimeEndsAt() time.Time {
	seen := s.visit.seen()
	return s.visit.engine.lifetimeEnd(&seen.env)
}
