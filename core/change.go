package session

import (
	"bytes"
	"fmt"
	"time"
)

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
	s.stored, s.isNew, s.refuse = false, true, nil
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
	if err := s.m.migrate(&env); err != nil {
		return err
	}
	value, err := s.m.decode(env.data)
	if err != nil {
		return err
	}
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

// change makes a change and keeps it for the commit.
func (s *Session[T]) change(c change[T], needsCookie bool) error {
	s.op.Lock()
	defer s.op.Unlock()
	if c.subject != "" && s.refuse != nil && s.x.phase.Load() == open {
		s.mu.Lock()
		s.reset()
		s.mu.Unlock()
	}
	if err := s.changeable(needsCookie || !s.stored); err != nil {
		return err
	}
	if c.renew && s.graced {
		// The response that carries the present secret is on its way, and could
		// reach the browser after ours and undo this (law 3), even after Destroy.
		return ErrSuperseded
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
	// Data shows what is stored, not what the encoding does not keep; and what
	// cannot be read back must not be stored.
	if value, err = s.m.decode(data); err != nil {
		return fmt.Errorf("session: codec %q cannot decode what it encoded: %w", codec.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.env.data = data
	s.now.env.codec, s.now.env.schema = codec.Name, schema
	s.value, s.shared = value, false
	return nil
}

// take hands over a value that nobody else sees. The session then has none, so
// that a failed change leaves only the encoded data.
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
