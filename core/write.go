package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// An ending is a session that its own request has destroyed.
type ending struct {
	id      ID
	version uint64
	subject string
	digest  digest // of the secret that the request holds
	known   bool   // the browser has its cookie
}

// end deletes the session that Destroy ended, if this request's secret still
// opens it: a straggler must not log out whoever logged in meanwhile (law 3).
// A store deletes without a condition, so first a write over the version that
// was read takes the session's life, and the deletion cleans up.
func (s *Session[T]) end(ctx context.Context) error {
	if s.ended == nil {
		return nil
	}
	started := s.m.now()
	e := *s.ended
	var unknown error
	for attempt := 0; ; attempt++ {
		err := s.m.store.Update(ctx, Record{ID: e.id, Version: e.version, Subject: e.subject})
		if err == nil {
			break
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			if unknown != nil {
				return unavailable("delete", err)
			}
			unknown = err
		}
		// Before the load, so that what it finds is fresh at the next write.
		if attempt > 0 {
			pause(ctx, attempt)
		}
		if ctx.Err() != nil {
			return outOfTime("delete", unknown)
		}
		rec, env, err := s.m.fetch(ctx, e.id)
		if errors.Is(err, ErrNotFound) {
			if s.ended = nil; unknown == nil {
				return nil // others ended it, and may have set a cookie since
			}
			break
		}
		if err != nil {
			return errors.Join(err, unknown)
		}
		if env.check(e.digest, time.Now()) < graced {
			s.ended = nil
			return ErrSuperseded
		}
		e.version = rec.Version
	}
	// Whether this works is of no account: the session is over.
	_ = s.m.store.Delete(ctx, e.id)
	s.m.event(s.x, EventDestroyed, e.id, e.subject, started, nil)
	s.ended, s.removal = nil, s.removal || e.known
	return nil
}

var errEnded = fmt.Errorf("%w: the session ended while this request was handled", ErrNotFound)

// outOfTime is why a commit gives up when its time is over. unknown is the
// failure of an attempt that may have taken effect, if there was one.
func outOfTime(doing string, unknown error) error {
	if unknown != nil {
		return unavailable(doing, unknown)
	}
	return fmt.Errorf("%w: others kept being faster for the time that a commit may take", ErrConflict)
}

// A write is a record on its way to the store.
type write struct {
	rec   Record
	env   envelope
	token token // with a new secret; else zero

	unknown error // of an attempt that may have taken effect
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
	for attempt := 0; ; attempt++ {
		if w.rec.ID.IsZero() {
			return errors.New("session: Options.NewID returned the zero ID")
		}
		started := s.m.now()
		err := s.put(ctx, &w)
		if err == nil {
			s.saved(&w, started)
			return nil
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrExists) && !errors.Is(err, ErrNotFound) {
			if w.unknown != nil {
				return unavailable("write", err)
			}
			w.unknown = err
		}
		if attempt == 0 {
			// Whoever lost waits for the others in this process that lost.
			defer s.m.queue.enter(ctx, w.rec.ID)()
		} else {
			pause(ctx, attempt)
		}
		if ctx.Err() != nil {
			return outOfTime("write", w.unknown)
		}
		if done, err := s.reconcile(ctx, &w, attempt, started); done || err != nil {
			return err
		}
	}
}

func (s *Session[T]) put(ctx context.Context, w *write) error {
	if s.stored {
		return s.m.store.Update(ctx, w.rec)
	}
	return s.m.store.Create(ctx, w.rec)
}

// reconcile looks at what is stored after a write that did not succeed or whose
// outcome is unknown. Either the write is done, or w is to be tried next.
func (s *Session[T]) reconcile(ctx context.Context, w *write, attempt int, started time.Time) (done bool, err error) {
	rec, env, err := s.m.fetch(ctx, w.rec.ID)
	absent := errors.Is(err, ErrNotFound)
	if err != nil && !absent {
		return false, errors.Join(err, w.unknown)
	}
	switch {
	case !absent && env.write == w.env.write:
		s.saved(w, started) // the reply was lost
		return true, nil

	case !s.stored:
		// The ID is taken; or the write is not done, or is done and has been
		// deleted since. A new ID revives nobody (law 2).
		if attempt > 2 {
			return false, fmt.Errorf("%w: Options.NewID repeats itself", ErrExists)
		}
		s.mu.Lock()
		s.now.id = s.m.opts.NewID()
		s.base.id = s.now.id
		s.mu.Unlock()
		unknown := w.unknown
		*w = s.seal()
		w.unknown = unknown // a store that creates nothing is not tried forever
		return false, nil

	case absent:
		s.m.event(s.x, EventConflict, w.rec.ID, w.rec.Subject, started, nil)
		err = s.restart(errEnded)

	case rec.Version == w.rec.Version:
		// Not done, or not yet: the same write again, which cannot be done
		// twice as the version that it wants is there only once.
		return false, nil

	case w.unknown != nil && rec.Version > w.rec.Version+1:
		return false, unavailable("write", fmt.Errorf("it may have been done, and another write after it: %w", w.unknown))

	default:
		// Another write took the version, so this one is not done.
		s.m.event(s.x, EventConflict, w.rec.ID, w.rec.Subject, started, nil)
		err = s.rebase(rec, env)
		if err == nil && !s.changed() {
			return true, nil
		}
	}
	if err != nil {
		return false, err
	}
	*w = s.seal()
	return false, nil
}

// rebase makes the pending changes again on a newer record, if this request's
// secret still opens it.
func (s *Session[T]) rebase(rec Record, env envelope) error {
	now := time.Now()
	held := env.check(s.digest, now)
	if held < graced && !s.trusted {
		return s.restart(ErrSuperseded)
	}
	if held == graced && s.now.renew {
		return ErrSuperseded // as Login and Renew would have said by now
	}
	s.graced = held == graced
	if err := s.adopt(rec, env); err != nil {
		return undecodable(rec.ID, err)
	}
	s.autoRenew = s.autoRenew && s.renewalDue(now) // unless the other did it
	return s.replay(s.changes)
}

// restart handles a session that this request can no longer change. A login
// still counts: it goes on from there in a new session.
func (s *Session[T]) restart(reason error) error {
	for i, c := range s.changes {
		if c.subject != "" {
			if i > 0 {
				s.m.event(s.x, EventDiscarded, s.now.id, s.now.subject, time.Time{}, reason)
			}
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
		s.fresh, s.handOut, s.digest = w.token, true, w.env.secret
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
