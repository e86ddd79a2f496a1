// Package session keeps the state of a visitor on the server, in the type that
// the application declares, behind one opaque cookie.
//
// An application makes a [Manager] over a store, installs the adapter of its
// HTTP framework, and asks the Manager for the request's [Session]. The package
// knows no store and no framework: what a store owes is written at [Store],
// what an adapter does at [Exchange].
//
// # Following a request
//
// The files are in the order of a request:
//
//	session.go   what the application sees: the Session, typed
//	manager.go   what it calls: New, Get, Update; with options.go
//	cookie.go    the Cookie header, and the tokens in it (token.go)
//	exchange.go  the request's passage: Begin, Commit, Finish (gate.go)
//	load.go      from a token to a record, its envelope (envelope.go) and the proof (proof.go)
//	visit.go     the request's handle, untyped: what is stored, what is pending
//	encoding.go  from data to bytes: codec, migration, edits, merging
//	clocks.go    expiry, touches, renewals
//	plan.go      what is pending becomes a record
//	judge.go     what becomes of it if the store does not simply take it
//	write.go     the loop that carries both out (queue.go)
//	commit.go    when the response begins, and what is added to its header
//
// Beside that way: admin.go ends and lists sessions by subject, event.go tells
// what happened, errors.go holds every error.
package session

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"time"
)

// A Session is one request's handle on its visitor's session. Its methods may
// be called from several goroutines of the request. Changes take effect
// together, when the response begins; they are made again on newer data if
// another request was faster.
type Session[T any] struct {
	m     *Manager[T]
	visit visit

	// The decoded form of the data in encoded, or nil. It is ours to change
	// until Data has handed it out. The mutex of the visit's gate guards it.
	value   *T
	encoded []byte
	shared  bool
}

// Data returns a snapshot of the data as this request sees it. What it points
// to is shared with other callers of Data and must not be changed: a change
// made in place is not stored. Use Update.
func (s *Session[T]) Data() T {
	mu := &s.visit.gate.mu
	mu.Lock()
	defer mu.Unlock()
	if data := s.visit.shown.env.data; s.value == nil || !identical(s.encoded, data) {
		// It decoded before, so it decodes now.
		value, err := decode[T](&s.m.engine, data)
		if err != nil {
			value = new(T)
		}
		s.value, s.encoded = value, data
	}
	s.shared = true
	return *s.value
}

// identical reports whether two slices are the same memory.
func identical(a, b []byte) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

// Update applies fn to the data. If fn returns an error, Update returns it and
// the data is as before. fn may run again, on newer data, when the change is
// committed and another request was faster. So it touches only its argument,
// uses only what it captured before, and calls neither the session nor the
// ResponseWriter, which would be an error, and waits for no goroutine that does.
// An error that it returns when it runs
// again fails the commit, as ErrConflict.
//
// A new session is stored with its first change, and that needs a cookie:
// ErrHeadersSent once the response has begun. ErrTooLarge if the data outgrows
// Options.MaxBytes, ErrSuperseded if this request lost against a renewal,
// ErrNotFound if the session was found to have ended meanwhile.
func (s *Session[T]) Update(fn func(*T) error) error {
	if fn == nil {
		return errors.New("session: Update needs a function")
	}
	return s.visit.change(change{edit: func(old content) (content, error) { return s.edit(old, fn) }})
}

// Login makes the session that of subject, such as a user's id: it renews the
// secret, so that nobody who knew it before can use the session (ASVS 7.2.4),
// and sets AuthenticatedAt, from which Lifetime counts. The data is kept, so a
// cart survives the login; but if the session belonged to another subject the
// data is that one's and is emptied. A request that lost against a renewal
// logs in to a new, empty session.
//
// A subject has 1 to 255 bytes of UTF-8, without NUL and without the unit
// separator U+001F. Options.Realm counts too, with one byte more.
func (s *Session[T]) Login(subject string) error {
	if err := s.visit.engine.checkSubject(subject); err != nil {
		return err
	}
	return s.visit.change(change{subject: strings.Clone(subject)})
}

// Renew replaces the secret and keeps everything else. Call it after any
// change of privilege. The previous secret is refused at once.
func (s *Session[T]) Renew() error { return s.visit.change(change{}) }

// Destroy ends the session: logout. When the response begins the session is
// ended in the store and the cookie removed; pending changes are dropped. The
// handle is then that of a new, empty session. After the response has begun the
// session still ends, when the handler returns, and the cookie stays.
//
// Requests of the ended session that are on their way do nothing: see
// Options.StragglerWindow. A request that has lost against a renewal does not
// undo that login: the commit fails with ErrSuperseded. If another request ended
// the session, its cookie is left alone, as it may be a newer session's by now.
func (s *Session[T]) Destroy() error { return s.visit.destroy() }

// Touch records that the session is in use, now and in the store: for streams
// and other requests that take longer than IdleTimeout. It may be called after
// the response has begun, and after the handler has returned. ErrNotFound if the
// session has ended, or is another login's by now; ErrUnavailable if the store
// failed. ctx bounds the call, together with Options.StoreTimeout.
func (s *Session[T]) Touch(ctx context.Context) error {
	v := &s.visit
	if err := v.gate.enter(ctx); err != nil {
		return err
	}
	defer v.leave()
	return v.keepAlive(ctx)
}

// Commit writes the pending changes now, for a handler that must know the
// outcome before it acts. ctx bounds it together with Options.StoreTimeout;
// that the client leaves does not interrupt it. On an error the pending
// changes are dropped, so that the response can tell the client: ErrNotFound if
// the session ended meanwhile, ErrSuperseded if it was renewed, ErrConflict if
// others kept being faster, ErrUnavailable if the outcome is unknown. A logout
// alone stays pending, and is tried again with the response, and so does all while
// another goroutine of the request is inside the session until ctx is done. A cookie
// that is due is sent with the response. So if the response then tells of an
// error, or the handler panics, a new secret never reaches the browser.
func (s *Session[T]) Commit(ctx context.Context) error {
	v := &s.visit
	waiting := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		waiting, stop = context.WithDeadline(waiting, deadline)
		defer stop()
	}
	if err := v.gate.enter(waiting); err != nil {
		return err
	}
	defer v.leave()
	if at := v.gate.at(); at == committing || at == over {
		return ErrHeadersSent
	}
	return v.flush(ctx, true)
}

// String names the session as ID does, and no secret, wherever it is printed.
func (s *Session[T]) String() string { return "session " + s.ID().String() }

// GoString is String: %#v prints no secret either.
func (s *Session[T]) GoString() string { return s.String() }

// ID names the session, in logs or in a list of devices. It is final once the
// session is stored. Destroy, and a Login of a request that lost its session,
// give the handle another one.
func (s *Session[T]) ID() ID { return s.visit.seen().id }

// IsNew reports whether this request started the session.
func (s *Session[T]) IsNew() bool { return s.visit.seen().isNew }

// Subject is who is logged in, or empty.
func (s *Session[T]) Subject() string { return s.visit.seen().subject }

// CreatedAt is when the session began.
func (s *Session[T]) CreatedAt() time.Time {
	seen := s.visit.seen()
	return fromMilli(seen.env.created)
}

// AuthenticatedAt is the time of the last Login, or the zero time.
func (s *Session[T]) AuthenticatedAt() time.Time {
	seen := s.visit.seen()
	return fromMilli(seen.env.authenticated)
}

// ExpiresAt is when the session ends if it is not used again, as recorded:
// the present request may move it further.
func (s *Session[T]) ExpiresAt() time.Time {
	seen := s.visit.seen()
	return s.visit.engine.endsAt(&seen)
}

// adopt implements typed.
func (s *Session[T]) adopt(data []byte) error {
	value, err := decode[T](&s.m.engine, data)
	if err != nil {
		return err
	}
	s.keep(value, data)
	return nil
}

func (s *Session[T]) keep(value *T, data []byte) {
	mu := &s.visit.gate.mu
	mu.Lock()
	defer mu.Unlock()
	s.value, s.encoded, s.shared = value, data, false
}

// take hands over a value of the data that nobody else sees. The session then
// has none, so that a failed change leaves only the encoded data.
func (s *Session[T]) take(data []byte) (*T, error) {
	mu := &s.visit.gate.mu
	mu.Lock()
	value, shared := s.value, s.shared
	if !identical(s.encoded, data) {
		value = nil
	}
	s.value = nil
	mu.Unlock()
	switch {
	case value != nil && !shared:
		return value, nil
	case value != nil:
		s.compare(value, data)
	}
	return decode[T](&s.m.engine, data)
}

// inspect implements typed.
func (s *Session[T]) inspect() {
	mu := &s.visit.gate.mu
	mu.Lock()
	value, data, shared := s.value, s.encoded, s.shared
	mu.Unlock()
	if value != nil && shared {
		s.compare(value, data)
	}
}

// compare reports, at debug level, a snapshot that was changed in place.
func (s *Session[T]) compare(snapshot *T, data []byte) {
	logger := s.m.opts.Logger
	if logger == nil || !logger.Enabled(s.visit.ctx, slog.LevelDebug) {
		return
	}
	original, err := decode[T](&s.m.engine, data)
	if err != nil || reflect.DeepEqual(original, snapshot) {
		return
	}
	err = errors.New("session: what Data returned was changed in place, and the change is lost: change it in Update")
	s.visit.note(EventError, s.visit.shown.id, "", time.Time{}, err)
}
