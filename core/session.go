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
// (manager.go, envelope.go). The handler changes the [Session] (session.go).
// Before the first byte of the response the exchange commits (commit.go), which
// yields the header lines, and when the handler is done it finishes.
package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	offline bool  // made by NewContext: nothing is written
	trusted bool  // made by Modify: no secret to check, and no use to record
	refuse  error // why the session cannot be changed

	base, now view        // as stored, and with the pending changes
	changes   []change[T] // pending, in order
	ended     []ID        // sessions that Destroy ended, to be deleted
	destroyed bool

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

// view is a session as some moment shows it.
type view struct {
	id        ID
	version   uint64
	subject   string
	expiresAt time.Time
	env       envelope
	renew     bool
}

// change is a pending change, kept so that it can be made again.
type change[T any] struct {
	update  func(*T) error
	renew   bool
	subject string // with renew: a login, unless empty
	at      time.Time
}

func (m *Manager[T]) newSession(x *Exchange) *Session[T] {
	s := &Session[T]{m: m, x: x}
	s.reset()
	return s
}

// reset makes the handle that of a new, empty session.
func (s *Session[T]) reset() {
	now := time.Now()
	s.stored, s.isNew, s.refuse, s.graced = false, true, nil, false
	s.fresh, s.handOut, s.digest = token{}, false, digest{}
	s.changes, s.value = nil, nil
	s.base = view{id: s.m.opts.NewID(), version: 1}
	s.base.env.created = now.UnixMilli()
	s.base.env.renewed = s.base.env.created
	s.base.env.codec, s.base.env.schema = s.m.opts.Codec.Name, s.m.opts.Schema
	s.base.env.data = s.m.empty
	s.base.expiresAt = s.m.expiry(&s.base.env, now)
	s.now = s.base
}

// adopt makes a record the base of the handle, without pending changes.
func (s *Session[T]) adopt(rec Record, env envelope) error {
	data, err := s.m.current(&env)
	if err != nil {
		return err
	}
	value, err := s.m.decode(data)
	if err != nil {
		return err
	}
	env.data = data
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = view{id: rec.ID, version: rec.Version, subject: rec.Subject, expiresAt: rec.ExpiresAt, env: env}
	s.now = s.base
	s.value, s.shared = value, false
	return nil
}

// expiry is when a session that is used now ends, to the millisecond.
func (c *config) expiry(env *envelope, now time.Time) time.Time {
	idle, end := now.Add(c.opts.IdleTimeout), env.startedAt().Add(c.opts.Lifetime)
	if end.Before(idle) {
		idle = end
	}
	return idle.UTC().Truncate(time.Millisecond)
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
	s.op.Lock()
	defer s.op.Unlock()
	if err := s.changeable(!s.stored); err != nil {
		return err
	}
	c := change[T]{update: fn}
	if err := s.apply(&c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, c)
	return nil
}

// Login makes the session that of subject, such as a user's id: it renews the
// secret, so that nobody who knew it before can use the session (ASVS 7.2.4),
// and sets AuthenticatedAt, from which Lifetime counts. The data is kept, so a
// cart survives the login; but if the session belonged to another subject the
// data is that one's and is emptied. A request that lost against a renewal
// logs in to a new session.
func (s *Session[T]) Login(subject string) error {
	if subject == "" {
		return errors.New("session: Login needs a subject; to log out, use Destroy")
	}
	return s.change(change[T]{renew: true, subject: subject})
}

// Renew replaces the secret and keeps everything else. Call it after any
// change of privilege. The previous secret is refused at once.
func (s *Session[T]) Renew() error {
	return s.change(change[T]{renew: true})
}

func (s *Session[T]) change(c change[T]) error {
	s.op.Lock()
	defer s.op.Unlock()
	if c.subject != "" && s.refuse != nil && s.x.phase.Load() == open {
		s.mu.Lock()
		s.reset()
		s.mu.Unlock()
	}
	if err := s.changeable(true); err != nil {
		return err
	}
	c.at = time.Now()
	if err := s.apply(&c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, c)
	return nil
}

// Destroy ends the session: logout. The record is deleted and the cookie
// removed when the response begins; pending changes are dropped. The handle is
// then that of a new, empty session. After the response has begun the record
// is still deleted, when the handler ends.
func (s *Session[T]) Destroy() error {
	s.op.Lock()
	defer s.op.Unlock()
	if err := s.changeable(false); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stored {
		s.ended = append(s.ended, s.base.id)
	}
	s.reset()
	s.destroyed = true
	return nil
}

// changeable reports why the session cannot be changed now.
func (s *Session[T]) changeable(needsCookie bool) error {
	phase := s.x.phase.Load()
	switch {
	case phase == finished:
		return ErrHeadersSent
	case s.refuse != nil:
		return s.refuse
	case phase == sent && needsCookie:
		return ErrHeadersSent
	}
	return nil
}

// apply makes a change to now. It holds op.
func (s *Session[T]) apply(c *change[T]) error {
	if c.update != nil {
		return s.applyUpdate(c.update)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.renew = true
	if c.subject == "" {
		return nil
	}
	if s.now.subject != "" && s.now.subject != c.subject {
		s.now.env.data, s.value = s.m.empty, nil
		s.now.env.codec, s.now.env.schema = s.m.opts.Codec.Name, s.m.opts.Schema
	}
	s.now.subject = c.subject
	s.now.env.authenticated = c.at.UnixMilli()
	s.now.expiresAt = s.m.expiry(&s.now.env, c.at)
	return nil
}

func (s *Session[T]) applyUpdate(fn func(*T) error) error {
	codec, schema := &s.m.opts.Codec, s.m.opts.Schema
	stored := s.now.env.data
	if s.now.env.schema > schema {
		if codec.Merge == nil {
			return fmt.Errorf("%w: a newer program wrote it (schema %d, this one knows %d), and codec %q has no Merge to keep what this program does not know", ErrUndecodable, s.now.env.schema, schema, codec.Name)
		}
		schema = s.now.env.schema
	}
	value, err := s.take()
	if err != nil {
		return err
	}
	before := stored
	if codec.Merge != nil && !bytes.Equal(stored, s.m.empty) {
		if before, err = codec.Marshal(value); err != nil {
			return fmt.Errorf("session: encode: %w", err)
		}
	}
	if err := fn(value); err != nil {
		return err
	}
	data, err := codec.Marshal(value)
	if err != nil {
		return fmt.Errorf("session: encode: %w", err)
	}
	if codec.Merge != nil && !bytes.Equal(before, stored) {
		if data, err = codec.Merge(stored, before, data); err != nil {
			return fmt.Errorf("session: merge with stored data: %w", err)
		}
	}
	if len(data) > s.m.opts.MaxBytes {
		return fmt.Errorf("%w: %d bytes, and MaxBytes is %d: keep large data elsewhere and its key in the session", ErrTooLarge, len(data), s.m.opts.MaxBytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.env.data = data
	s.now.env.codec, s.now.env.schema = codec.Name, schema
	s.value, s.shared = value, false
	return nil
}

// take hands over a value that nobody else sees. Until it is given back the
// session has none, so that a failed change leaves only the encoded data.
func (s *Session[T]) take() (*T, error) {
	s.mu.Lock()
	value, shared := s.value, s.shared
	s.value = nil
	s.mu.Unlock()
	if value != nil && !shared {
		return value, nil
	}
	if value != nil {
		s.m.checkUntouched(s.x, s.now.id, value, s.now.env.data)
	}
	value, err := s.m.decode(s.now.env.data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUndecodable, err)
	}
	return value, nil
}

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
// cookie, if one is due, is sent with the response.
func (s *Session[T]) Commit(ctx context.Context) error {
	s.op.Lock()
	defer s.op.Unlock()
	if s.x.phase.Load() == finished {
		return ErrHeadersSent
	}
	return s.flush(ctx, true)
}
