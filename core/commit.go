package session

import (
	"bytes"
	"context"
	"errors"
	"time"
)

// commit ends the phase in which a cookie can be sent.
func (s *Session[T]) commit() (Header, error) {
	s.op.Lock()
	defer s.op.Unlock()
	if s.x.offline {
		return Header{Vary: "Cookie"}, nil // of a test, which may send more requests
	}
	if s.x.phase.Load() != open {
		return Header{}, nil
	}
	optional := !s.dirty()
	s.autoRenew = s.renewalDue(time.Now())
	// An ended session's changes are dropped, as if they had come before its
	// end (law 2); flush has reported that. A renewal that only time asked for
	// may fail: it is due again with the next request.
	s.x.phase.Store(finished) // should an Update function panic, when it runs again
	err := s.flush(s.x.Context, false)
	if err != nil && err != errEnded && !optional {
		return Header{}, err
	}
	if err == nil {
		s.touch()
	}
	s.x.phase.Store(sent)

	h := Header{Vary: "Cookie"}
	switch cookie := &s.m.opts.Cookie; {
	case s.handOut:
		h.SetCookie = cookie.set(&s.fresh, time.Now(), s.now.env.startedAt().Add(s.m.opts.Lifetime))
	case s.removal:
		h.SetCookie = cookie.remove()
	}
	if h.SetCookie != "" {
		h.CacheControl = "no-store"
	}
	return h, nil
}

func (s *Session[T]) finish() error {
	s.op.Lock()
	defer s.op.Unlock()
	if s.x.offline || s.x.phase.Load() == finished {
		return nil
	}
	defer s.x.phase.Store(finished)
	err := s.flush(s.x.Context, false)
	if err == errEnded {
		err = nil
	}
	if err == nil {
		s.touch()
	}
	s.mu.Lock()
	value, shared := s.value, s.shared
	s.mu.Unlock()
	if value != nil && shared {
		s.m.checkUntouched(s.x, s.now.id, value, s.now.env.data)
	}
	return err
}

func (s *Session[T]) discard() {
	s.op.Lock()
	defer s.op.Unlock()
	if s.x.offline || s.x.phase.Load() == finished {
		return
	}
	s.x.phase.Store(finished)
	if s.dirty() {
		s.m.event(s.x, EventDiscarded, s.now.id, s.now.subject, time.Time{}, errors.New("session: the handler panicked"))
	}
}

// dirty reports whether anything is to be written.
func (s *Session[T]) dirty() bool { return s.ended != nil || s.changed() }

// changed reports whether now differs from what is stored. A new session that
// is still empty does not (law 6).
func (s *Session[T]) changed() bool {
	return s.now.subject != s.base.subject || s.now.env.authenticated != s.base.env.authenticated ||
		s.stored && (s.now.renew || s.autoRenew) || !bytes.Equal(s.now.env.data, s.base.env.data)
}

func (s *Session[T]) renewalDue(now time.Time) bool {
	every := s.m.opts.RenewEvery
	return every > 0 && s.stored && !s.x.offline && s.refuse == nil &&
		!now.Before(fromMilli(s.now.env.renewed).Add(every))
}

// touch records the use of the session, if that is due (law 6). Its failure is
// reported and harms nobody: the next request tries again.
func (s *Session[T]) touch() {
	if !s.stored || s.x.offline || s.trusted || s.refuse != nil {
		return
	}
	until := s.m.expiry(&s.now.env, time.Now())
	if until.Sub(s.now.expiresAt) < s.m.opts.touchInterval() {
		return
	}
	b := bound(context.WithoutCancel(s.x.Context), s.m.opts.StoreTimeout)
	defer b.stop()
	started := s.m.now()
	if err := s.m.store.Touch(b, s.now.id, until); err != nil {
		if !errors.Is(err, ErrNotFound) {
			s.m.event(s.x, EventError, s.now.id, s.now.subject, started, unavailable("touch", err))
		}
		return
	}
	s.mu.Lock()
	s.base.expiresAt, s.now.expiresAt = until, until
	s.mu.Unlock()
	s.m.event(s.x, EventTouched, s.now.id, s.now.subject, started, nil)
}

// flush brings the pending changes to the store. It runs detached from the
// cancellation of ctx (law 8), and heeds its deadline only if told so. When it
// fails the pending changes are dropped.
func (s *Session[T]) flush(ctx context.Context, heedDeadline bool) error {
	if !s.dirty() || s.x.offline {
		s.settled()
		return nil
	}
	timeout := s.m.opts.StoreTimeout
	if deadline, ok := ctx.Deadline(); ok && heedDeadline {
		timeout = min(timeout, time.Until(deadline))
	}
	b := bound(context.WithoutCancel(ctx), timeout)
	defer b.stop()
	written := false
	defer func() {
		if !written { // or an Update function panicked, when it ran again
			s.drop()
		}
	}()
	err := s.end(b)
	if err == ErrSuperseded && s.now.subject != "" {
		err = nil // whoever logs in after that need not have been the one who left
	}
	if err == nil && s.changed() {
		err = s.write(b)
	}
	if err == nil {
		written = true
		s.settled()
		return nil
	}
	kind := EventError
	if err == errEnded || err == ErrSuperseded { // and not an Update function's own
		kind = EventDiscarded
		s.refuse = err
	}
	s.m.event(s.x, kind, s.now.id, s.now.subject, time.Time{}, err)
	return err
}

// drop makes the handle show what is stored.
func (s *Session[T]) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes, s.now, s.value, s.autoRenew = nil, s.base, nil, false
}

// settled makes what is now the base for later changes.
func (s *Session[T]) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes, s.autoRenew, s.now.renew = nil, false, false
	s.base = s.now
}
