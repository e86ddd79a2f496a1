package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// commit ends the phase in which a cookie can be sent.
func (s *Session[T]) commit() (Header, error) {
	s.op.Lock()
	defer s.op.Unlock()
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
	if err != nil && !errors.Is(err, ErrNotFound) && !optional {
		return Header{}, err
	}
	s.touch()
	s.x.phase.Store(sent)

	h := Header{Vary: "Cookie"}
	switch cookie := &s.m.opts.Cookie; {
	case s.handOut:
		h.SetCookie = cookie.set(&s.fresh, time.Now(), s.now.env.startedAt().Add(s.m.opts.Lifetime))
	case s.destroyed && s.x.presented:
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
	if s.x.phase.Load() == finished {
		return nil
	}
	defer s.x.phase.Store(finished)
	err := s.flush(s.x.Context, false)
	if errors.Is(err, ErrNotFound) {
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
	if s.x.phase.Load() == finished {
		return
	}
	s.x.phase.Store(finished)
	if s.dirty() {
		s.m.event(s.x, EventDiscarded, s.now.id, s.now.subject, time.Time{}, errors.New("session: the handler panicked"))
	}
}

// dirty reports whether anything is to be written.
func (s *Session[T]) dirty() bool { return len(s.ended) > 0 || s.changed() }

// changed reports whether now differs from what is stored. A new session that
// is still empty does not (law 6).
func (s *Session[T]) changed() bool {
	return s.now.subject != s.base.subject || s.now.env.authenticated != s.base.env.authenticated ||
		s.stored && (s.now.renew || s.autoRenew) || !bytes.Equal(s.now.env.data, s.base.env.data)
}

func (s *Session[T]) renewalDue(now time.Time) bool {
	every := s.m.opts.RenewEvery
	return every > 0 && s.stored && !s.isNew && !s.graced && !s.offline && s.refuse == nil &&
		!now.Before(fromMilli(s.now.env.renewed).Add(every))
}

// touch records the use of the session, if that is due (law 6). Its failure is
// reported and harms nobody: the next request tries again.
func (s *Session[T]) touch() {
	if !s.stored || s.offline || s.trusted || s.refuse != nil {
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
	if !s.dirty() || s.offline {
		s.settled()
		return nil
	}
	timeout := s.m.opts.StoreTimeout
	if deadline, ok := ctx.Deadline(); ok && heedDeadline {
		timeout = min(timeout, time.Until(deadline))
	}
	b := bound(context.WithoutCancel(ctx), timeout)
	defer b.stop()
	err := s.deleteEnded(b)
	if err == nil && s.changed() {
		err = s.write(b)
	}
	if err == nil {
		s.settled()
		return nil
	}
	kind := EventError
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrSuperseded) {
		kind = EventDiscarded
		s.refuse = err
	}
	s.m.event(s.x, kind, s.now.id, s.now.subject, time.Time{}, err)
	s.mu.Lock()
	s.changes, s.now, s.value, s.autoRenew = nil, s.base, nil, false
	s.mu.Unlock()
	return err
}

// settled makes what is now the base for later changes.
func (s *Session[T]) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes, s.autoRenew, s.now.renew = nil, false, false
	s.base = s.now
}

func (s *Session[T]) deleteEnded(ctx context.Context) error {
	for len(s.ended) > 0 {
		started := s.m.now()
		err := s.m.store.Delete(ctx, s.ended[0])
		if err != nil { // deleting twice is deleting once, so a lost reply does no harm
			err = s.m.store.Delete(ctx, s.ended[0])
		}
		if err != nil {
			return unavailable("delete", err)
		}
		s.m.event(s.x, EventDestroyed, s.ended[0], "", started, nil)
		s.ended = s.ended[1:]
	}
	return nil
}

var errEnded = fmt.Errorf("%w: the session ended while this request was handled", ErrNotFound)

// A write is a record on its way to the store.
type write struct {
	rec   Record
	env   envelope
	token token // with a new secret; else zero
}

// seal makes the write of what is now.
func (s *Session[T]) seal() write {
	now := time.Now()
	w := write{env: s.now.env}
	rand.Read(w.env.write[:])
	if !s.stored || s.now.renew || s.autoRenew {
		w.token = newToken(s.now.id)
		w.env.secret = w.token.digest()
	}
	if s.stored && (s.now.renew || s.autoRenew) {
		w.env.renewed = now.UnixMilli()
		w.env.hasPrevious, w.env.previous, w.env.previousUntil = true, s.base.env.secret, 0
		// Grace is for requests that are on their way at a renewal nobody
		// asked for. After a change of privilege it would be a hole.
		if !s.now.renew {
			w.env.previousUntil = now.Add(s.m.opts.RenewGrace).UnixMilli()
		}
	}
	w.rec = Record{ID: s.now.id, Version: s.now.version, Subject: s.now.subject, ExpiresAt: s.now.expiresAt}
	if !s.trusted {
		w.rec.ExpiresAt = s.m.expiry(&w.env, now)
	}
	w.rec.Data = w.env.seal()
	return w
}

// write stores what is now by compare-and-swap, over newer versions if need be.
func (s *Session[T]) write(ctx context.Context) error {
	w := s.seal()
	var unknown error // of an attempt that may have taken effect
	for attempt := 0; ; attempt++ {
		switch {
		case attempt == 0 || ctx.Err() == nil:
		case unknown != nil:
			return unavailable("write", unknown)
		default:
			return fmt.Errorf("%w: others kept being faster for the time that a commit may take", ErrConflict)
		}
		started := s.m.now()
		err := s.put(ctx, &w)
		if err == nil {
			s.saved(&w, started)
			return nil
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrExists) && !errors.Is(err, ErrNotFound) {
			if unknown != nil {
				return unavailable("write", err)
			}
			unknown = err
		}
		if attempt == 0 {
			// Whoever lost waits for the others in this process that lost.
			leave, err := s.m.queue.enter(ctx, w.rec.ID)
			if err != nil {
				continue // the time is up
			}
			defer leave()
		} else {
			pause(ctx, attempt)
		}

		held, lerr := s.m.store.Load(ctx, w.rec.ID)
		if lerr != nil && !errors.Is(lerr, ErrNotFound) {
			return unavailable("write", errors.Join(err, lerr))
		}
		env, eerr := openEnvelope(held.Data)
		switch {
		case lerr == nil && eerr == nil && env.write == w.env.write:
			s.saved(&w, started)
			return nil
		case lerr != nil && !s.stored:
			// Not there: the same write again. Its mark tells it from others.
		case lerr != nil:
			s.m.event(s.x, EventConflict, w.rec.ID, w.rec.Subject, started, nil)
			if err := s.restart(errEnded); err != nil {
				return err
			}
			w, unknown = s.seal(), nil
		case !s.stored:
			if attempt > 2 {
				return fmt.Errorf("%w: Options.NewID repeats itself", ErrExists)
			}
			s.mu.Lock()
			s.now.id = s.m.opts.NewID()
			s.base.id = s.now.id
			s.mu.Unlock()
			w, unknown = s.seal(), nil
		case held.Version == w.rec.Version:
			// Not done, or not yet: the same write again, which cannot be
			// done twice as the version it wants is there only once.
		case unknown != nil:
			return unavailable("write", fmt.Errorf("it may have been done, and another write after it: %w", unknown))
		default:
			s.m.event(s.x, EventConflict, w.rec.ID, w.rec.Subject, started, nil)
			if err := s.rebase(held, env, eerr); err != nil {
				return err
			}
			if !s.changed() {
				return nil
			}
			w = s.seal()
		}
	}
}

func (s *Session[T]) put(ctx context.Context, w *write) error {
	if w.rec.ID.IsZero() {
		return errors.New("session: Options.NewID returned the zero ID")
	}
	if s.stored {
		return s.m.store.Update(ctx, w.rec)
	}
	return s.m.store.Create(ctx, w.rec)
}

// rebase makes the pending changes again on a newer record, if this request's
// secret still opens it.
func (s *Session[T]) rebase(rec Record, env envelope, broken error) error {
	if broken != nil {
		return fmt.Errorf("%w: session %v: %w", ErrUndecodable, rec.ID, broken)
	}
	now := time.Now()
	held := env.check(s.digest, now)
	switch {
	case s.m.over(rec.ExpiresAt, &env, now):
		return s.restart(errEnded)
	case held < graced && !s.trusted:
		return s.restart(ErrSuperseded)
	}
	if held == graced {
		s.graced, s.autoRenew = true, false
	}
	if err := s.adopt(rec, env); err != nil {
		return fmt.Errorf("%w: session %v: %w", ErrUndecodable, rec.ID, err)
	}
	return s.replay(s.changes)
}

// restart handles a session that this request can no longer change. A login
// still counts: it goes on from there in a new session.
func (s *Session[T]) restart(reason error) error {
	for i, c := range s.changes {
		if c.subject != "" {
			kept := s.changes[i:]
			s.mu.Lock()
			s.reset()
			s.changes = kept
			s.mu.Unlock()
			return s.replay(kept)
		}
	}
	return reason
}

func (s *Session[T]) replay(changes []change[T]) error {
	for i := range changes {
		if err := s.apply(&changes[i]); err != nil {
			return fmt.Errorf("%w: an Update refused the newer data: %w", ErrConflict, err)
		}
	}
	return nil
}

// saved takes note of a write that is in the store.
func (s *Session[T]) saved(w *write, started time.Time) {
	created, dataChanged := !s.stored, !bytes.Equal(w.env.data, s.base.env.data)
	login := w.env.authenticated != s.base.env.authenticated
	s.mu.Lock()
	s.now.env, s.now.expiresAt = w.env, w.rec.ExpiresAt
	if s.stored {
		s.now.version++
	}
	s.stored = true
	if w.token != (token{}) {
		s.fresh, s.handOut, s.digest, s.graced = w.token, true, w.env.secret, false
	}
	s.mu.Unlock()

	for _, e := range []struct {
		happened bool
		kind     EventKind
	}{
		{created, EventCreated},
		{dataChanged && !created, EventChanged},
		{w.token != (token{}) && !created, EventRenewed},
		{login, EventLogin},
	} {
		if e.happened {
			s.m.event(s.x, e.kind, w.rec.ID, w.rec.Subject, started, nil)
		}
	}
}
