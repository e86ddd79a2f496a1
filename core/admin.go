package session

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"
)

// List returns the live sessions of a subject in this realm, the last used
// first.
//
// A session whose data cannot be decoded is listed without its data, so that it
// can be revoked. The error is then [ErrUndecodable] and names it. On any other
// error, such as [ErrUnavailable] if the store failed, the list is nil.
func (m *Manager[T]) List(ctx context.Context, subject string) ([]Info[T], error) {
	if err := m.checkSubject(subject); err != nil {
		return nil, err
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.started()
	records, err := m.store.List(b, m.owner(subject))
	if err != nil {
		return nil, m.tell(ctx, ID{}, strings.Clone(subject), started, unavailable("list", err))
	}
	infos := make([]Info[T], 0, len(records))
	var faults []error
	for _, rec := range records {
		info, expired, err := m.describe(rec)
		if expired {
			continue
		}
		if err != nil {
			faults = append(faults, err)
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b Info[T]) int {
		return lastUsedFirst(a.ID, b.ID, a.LastUsedAt, b.LastUsedAt)
	})
	return infos, errors.Join(faults...)
}

// Find returns a live session of this realm by its ID, or [ErrNotFound]. A
// session whose data cannot be decoded is returned without its data, with
// [ErrUndecodable]. The error is [ErrUnavailable] if the store failed.
func (m *Manager[T]) Find(ctx context.Context, id ID) (Info[T], error) {
	if id.IsZero() {
		return Info[T]{}, errZeroID
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.started()
	rec, _, err := m.fetch(b, id)
	if err != nil && !errors.Is(err, ErrUndecodable) {
		if !errors.Is(err, ErrNotFound) {
			err = m.tell(ctx, id, "", started, err)
		}
		return Info[T]{}, err
	}
	info, _, err := m.describe(rec)
	return info, err
}

// Revoke ends a session of this realm, whoever it belongs to. It is no error if
// there is no such session. No request that is still on its way can bring the
// session back. Its cookie stays in the browser and opens nothing.
//
// The error is [ErrUnavailable] if the store failed, and [ErrUndecodable] if a
// session without a subject cannot be read: another realm may own it.
func (m *Manager[T]) Revoke(ctx context.Context, id ID) error {
	if id.IsZero() {
		return errZeroID
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.started()
	// Load it first: it may be another realm's, or a tombstone.
	rec, _, err := m.fetch(b, id)
	switch {
	case isAbsent(err):
		return nil
	case err == nil, errors.Is(err, ErrUndecodable) && rec.Subject != "": // the subject shows the realm
		if err = m.store.Delete(b, id); err != nil {
			err = unavailable("revoke", err)
		}
		m.watch.wrote(id)
	}
	if err != nil {
		return m.tell(ctx, id, m.subject(rec.Subject), started, err)
	}
	m.revoked(ctx, id, m.subject(rec.Subject), started, 0)
	return nil
}

// revoked reports the end of one session, or of a number of them.
func (e *engine) revoked(ctx context.Context, id ID, subject string, started time.Time, number int) {
	if !e.watched() {
		return
	}
	end := newEvent(EventDestroyed, id, subject, started, nil)
	end.Cause, end.Count = EndRevoked, number
	e.emit(ctx, end)
}

// tell reports a failure and returns it. If the caller's context is over, it
// reports nothing and returns that error.
func (e *engine) tell(ctx context.Context, id ID, subject string, started time.Time, err error) error {
	if gone := left(ctx); gone != nil {
		return gone
	}
	e.event(ctx, EventError, id, subject, started, err)
	return err
}

// RevokeAll ends all sessions of a subject in this realm except those given,
// and returns how many it ended. After a change of password, for example, spare
// the present session. RevokeAll ends every session whose login was committed
// before the call. The error is [ErrUnavailable] if the store failed; some
// sessions may have ended then.
func (m *Manager[T]) RevokeAll(ctx context.Context, subject string, except ...ID) (int, error) {
	if err := m.checkSubject(subject); err != nil {
		return 0, err
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.started()
	subject = strings.Clone(subject) // frameworks may reuse its memory, and an Observer may keep the event
	n, err := m.store.DeleteAll(b, m.owner(subject), except...)
	m.watch.ended(subject)
	if err != nil {
		return n, m.tell(ctx, ID{}, subject, started, unavailable("revoke all", err))
	}
	if n > 0 {
		m.revoked(ctx, ID{}, subject, started, n)
	}
	return n, nil
}

// UpdateAll changes the data of all sessions of a subject in this realm, such
// as after a change of name or role. It treats each like [Manager.Update]. It
// returns how many succeeded, including those that fn left unchanged.
//
// Sessions that end meanwhile, or pass to another subject, are left out. A
// login that is committed during the call may be missed. So first change the
// user's own record, from which logins take the data.
//
// The error joins the errors of the sessions that could not be changed. The
// others are changed.
func (m *Manager[T]) UpdateAll(ctx context.Context, subject string, fn func(*T) error) (int, error) {
	if fn == nil {
		return 0, errNoFunction
	}
	infos, err := m.List(ctx, subject)
	if infos == nil {
		return 0, err
	}
	n := 0
	var faults []error
	for _, info := range infos {
		var refusal error // of fn, which may be any error
		err := m.update(ctx, info.ID, subject, func(data *T) error {
			refusal = fn(data)
			return refusal
		})
		switch {
		case err == nil:
			n++
		case refusal != nil, !errors.Is(err, ErrNotFound):
			faults = append(faults, err)
		}
	}
	return n, errors.Join(faults...)
}

// All iterates over the live sessions of this realm, in no order: for counts,
// exports and administrators. A session that lives throughout comes at least
// once. The store says whether it can come twice.
//
// A session whose data cannot be decoded comes without its data, with
// [ErrUndecodable], and the iteration goes on. Any other error ends it:
// [ErrUnavailable] if the store failed, or [errors.ErrUnsupported] if the store
// is not [Iterable]. ctx bounds the whole iteration, and [Options.StoreTimeout]
// each wait for the store.
func (m *Manager[T]) All(ctx context.Context) iter.Seq2[Info[T], error] {
	return func(yield func(Info[T], error) bool) {
		store, ok := m.store.(Iterable)
		if !ok {
			yield(Info[T]{}, mistakef("session: the store %T cannot go through all sessions: %w", m.store, errors.ErrUnsupported))
			return
		}
		within, cancel := context.WithCancel(ctx)
		defer cancel()
		wait := time.AfterFunc(m.opts.StoreTimeout, cancel)
		defer wait.Stop()
		for rec, err := range store.All(within) {
			wait.Stop() // while the caller works
			if err != nil {
				yield(Info[T]{}, m.tell(ctx, ID{}, "", time.Time{}, unavailable("go through all sessions", err)))
				return
			}
			if info, ok, err := m.visible(rec); ok && !yield(info, err) {
				return
			}
			wait.Reset(m.opts.StoreTimeout)
		}
	}
}

// Ping reports whether the store is ready for use. At the start of the program
// it finds a wrong password or a missing table before a visitor does. It loads
// a session that does not exist. The error is [ErrUnavailable].
func (m *Manager[T]) Ping(ctx context.Context) error {
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	_, err := m.store.Load(b, NewID())
	if err == nil || errors.Is(err, ErrNotFound) {
		return nil
	}
	if gone := left(ctx); gone != nil {
		return gone
	}
	return unavailable("ping", err)
}

// checkSubject refuses a subject that not every store can keep. It refuses the
// empty one too: sessions without a login have no common owner.
func (e *engine) checkSubject(subject string) error {
	if subject == "" || len(e.owner(subject)) > 255 || !cleanText(subject) {
		return mistakef("session: a subject has 1 to 255 bytes of UTF-8, with the realm, without NUL and without the unit separator U+001F; this one has %d bytes, and the realm %d: use a short key such as the user's id", len(subject), len(e.opts.Realm))
	}
	return nil
}
