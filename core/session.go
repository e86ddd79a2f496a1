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
// The adapter begins an [Exchange] with the Cookie header (cookie.go,
// token.go). [Manager.Get] loads the record and opens its envelope
// (manager.go, fetch.go, envelope.go). The handler changes the [Session] (session.go,
// change.go). Before the first byte of the response the exchange commits
// (commit.go, write.go), which yields the header lines, and when the handler is
// done it finishes.
package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// A Session is one request's handle on its visitor's session. Its methods may
// be called from several goroutines of the request. Changes take effect
// together, when the response begins; they are made again on newer data if
// another request was faster.
type Session[T any] struct {
	m *Manager[T]
	x *Exchange

	// op serialises what changes the session and is held while an Update
	// function runs and while the store works. mu guards the fields below op's
	// holder and everybody who only reads, and is held for moments; so an
	// Update function may read the session. Fields are written under both.
	op sync.Mutex
	mu sync.Mutex

	stored  bool  // base came from the store, or went there
	isNew   bool  // this request started the session
	trusted bool  // made by Modify: no secret to check, and no use to record
	refuse  error // why the session cannot be changed

	base, now view        // as stored, and with the pending changes
	changes   []change[T] // pending, in order
	ended     *ending     // the session that Destroy ended, to be deleted
	removal   bool        // the response has to take the cookie away

	digest    digest // of the secret that this request holds
	graced    bool   // it is the previous one, in its grace
	fresh     token  // the one that replaced it
	handOut   bool   // fresh is stored, and the response has to carry it
	autoRenew bool   // RenewEvery is due

	// The decoded form of now.env.data, or nil. It is ours to change until
	// Data has handed it out.
	value  *T
	shared bool
}

// Data returns a snapshot of the data as this request sees it. What it points
// to is shared with other callers of Data and must not be changed: a change
// made in place is not stored. Use Update.
func (s *Session[T]) Data() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value == nil {
		// What adopt or Update has encoded and decoded can be decoded again.
		value, err := s.m.decode(s.now.env.data)
		if err != nil {
			value = new(T)
		}
		s.value = value
	}
	s.shared = true
	return *s.value
}

// Update applies fn to the data. If fn returns an error, Update returns it and
// the data is as before. fn may run again, on newer data, when the change is
// committed and another request was faster: so it touches only its argument,
// uses only what it captured before, and must not call Update or write the
// response. An error that it returns then fails the commit, as ErrConflict.
//
// A new session is stored with its first change, and that needs a cookie:
// ErrHeadersSent once the response has begun. ErrTooLarge if the data outgrows
// Options.MaxBytes, ErrSuperseded if this request lost against a renewal,
// ErrNotFound if the session was found to have ended meanwhile.
func (s *Session[T]) Update(fn func(*T) error) error {
	if fn == nil {
		return errors.New("session: Update needs a function")
	}
	return s.change(change[T]{update: fn}, false)
}

// Login makes the session that of subject, such as a user's id: it renews the
// secret, so that nobody who knew it before can use the session (ASVS 7.2.4),
// and sets AuthenticatedAt, from which Lifetime counts. The data is kept, so a
// cart survives the login; but if the session belonged to another subject the
// data is that one's and is emptied. A request that lost against a renewal
// logs in to a new session. A subject has 1 to 255 bytes of UTF-8 without NUL.
func (s *Session[T]) Login(subject string) error {
	if err := checkSubject(subject); err != nil {
		return err
	}
	return s.change(change[T]{renew: true, subject: strings.Clone(subject)}, true)
}

// Renew replaces the secret and keeps everything else. Call it after any
// change of privilege. The previous secret is refused at once.
func (s *Session[T]) Renew() error {
	return s.change(change[T]{renew: true}, true)
}

// Destroy ends the session: logout. The record is deleted and the cookie
// removed when the response begins; pending changes are dropped. The handle is
// then that of a new, empty session. After the response has begun the record
// is still deleted, when the handler ends. A request that by then has lost
// against a renewal does not undo that login: the commit fails with
// ErrSuperseded. The cookie of a session that others have ended stays, as it
// opens nothing, and may be a newer session's by now.
func (s *Session[T]) Destroy() error {
	s.op.Lock()
	defer s.op.Unlock()
	if err := s.changeable(false); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored {
		s.ended = &ending{id: s.base.id, version: s.base.version, subject: s.base.subject, digest: s.digest, known: !s.isNew}
	}
	s.reset()
	return nil
}

// String names the session as ID does, and no secret, wherever it is printed.
func (s *Session[T]) String() string { return "session " + s.ID().String() }

// GoString is String: %#v prints no secret either.
func (s *Session[T]) GoString() string { return s.String() }

func (s *Session[T]) view() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// ID names the session, in logs or in a list of devices. Only Destroy, and a
// Login of a request that lost against a renewal, give the handle another one.
func (s *Session[T]) ID() ID { return s.view().id }

// IsNew reports whether this request started the session.
func (s *Session[T]) IsNew() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isNew
}

// Subject is who is logged in, or empty.
func (s *Session[T]) Subject() string { return s.view().subject }

// CreatedAt is when the session began.
func (s *Session[T]) CreatedAt() time.Time { v := s.view(); return fromMilli(v.env.created) }

// AuthenticatedAt is the time of the last Login, or the zero time.
func (s *Session[T]) AuthenticatedAt() time.Time {
	v := s.view()
	return fromMilli(v.env.authenticated)
}

// ExpiresAt is when the session ends if it is not used again, as recorded:
// the present request may move it further.
func (s *Session[T]) ExpiresAt() time.Time { return s.view().expiresAt }

// Commit writes the pending changes now, for a handler that must know the
// outcome before it acts. ctx bounds it together with Options.StoreTimeout;
// that the client leaves does not interrupt it. On an error the pending
// changes are dropped, so that the response can tell the client: ErrNotFound if
// the session ended meanwhile, ErrSuperseded if it was renewed, ErrConflict if
// others kept being faster, ErrUnavailable if the outcome is unknown. The
// cookie, if one is due, is sent with the response, so with an error response
// or a panic later in the handler a renewed secret never reaches the browser.
func (s *Session[T]) Commit(ctx context.Context) error {
	s.op.Lock()
	defer s.op.Unlock()
	if s.x.phase.Load() == finished {
		return ErrHeadersSent
	}
	return s.flush(ctx, true)
}
