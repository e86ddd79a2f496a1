package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Info describes a session to its owner or an administrator, as in a list of
// "your devices". It holds no secret.
type Info[T any] struct {
	ID              ID
	Subject         string
	Data            T
	CreatedAt       time.Time
	AuthenticatedAt time.Time // zero if never
	ExpiresAt       time.Time // when it ends if it is not used again
}

// List returns the live sessions of a subject in this realm, newest first.
//
// A session whose data cannot be decoded is listed without its data, so that it
// can be revoked. The error is then [ErrUndecodable] and names it. On any other
// error the list is nil; it is [ErrUnavailable] if the store failed.
func (m *Manager[T]) List(ctx context.Context, subject string) ([]Info[T], error) {
	if err := m.checkSubject(subject); err != nil {
		return nil, err
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.started()
	records, err := m.store.List(b, m.owner(subject))
	if err != nil {
		return nil, m.tell(ctx, EventError, ID{}, subject, started, unavailable("list", err))
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
	return infos, errors.Join(faults...)
}

// describe returns what can be read of a record. It may do so with an error too.
func (m *Manager[T]) describe(rec Record) (info Info[T], expired bool, err error) {
	info = Info[T]{ID: rec.ID, Subject: m.subject(rec.Subject), ExpiresAt: rec.ExpiresAt}
	env, err := openEnvelope(rec.Data, &m.likely)
	if err != nil {
		return info, !time.Now().Before(rec.ExpiresAt), undecodable(rec.ID, err)
	}
	s := state{expiresAt: rec.ExpiresAt, env: env}
	info.CreatedAt, info.AuthenticatedAt = fromMilli(env.created), fromMilli(env.authenticated)
	info.ExpiresAt = m.endsAt(&s)
	var data *T
	if err = m.migrate(&env.content); err == nil {
		data, err = decode[T](&m.engine, env.data)
	}
	if err != nil {
		return info, m.expired(rec.ExpiresAt, &env), undecodable(rec.ID, err)
	}
	info.Data = *data
	return info, m.expired(rec.ExpiresAt, &env), nil
}

// Find returns a live session by its ID, or [ErrNotFound]. A session whose data
// cannot be decoded is returned without its data, with [ErrUndecodable]. The
// error is [ErrUnavailable] if the store failed.
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
			err = m.tell(ctx, EventError, id, "", started, err)
		}
		return Info[T]{}, err
	}
	info, _, err := m.describe(rec)
	return info, err
}

// Revoke ends a session, whoever it belongs to. It is no error if there is no
// such session. No request that is on its way can bring the session back. Its
// cookie stays in the browser and opens nothing. The error is [ErrUnavailable] if
// the store failed, and [ErrUndecodable] if a session without a subject cannot be
// read: another realm may own it.
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
	}
	return m.tell(ctx, EventDestroyed, id, m.subject(rec.Subject), started, err)
}

// tell reports how an operation ended, and returns its error. If the caller has
// left, it reports nothing and returns that.
func (e *engine) tell(ctx context.Context, kind EventKind, id ID, subject string, started time.Time, err error) error {
	if err == nil {
		e.event(ctx, kind, id, subject, started, nil)
		return nil
	}
	if gone := left(ctx); gone != nil {
		return gone
	}
	e.event(ctx, EventError, id, subject, started, err)
	return err
}

// RevokeAll ends all sessions of a subject in this realm except those given, and
// returns how many it ended. Call it after a change of password, say, with the ID
// of the present session as the exception. It ends every session whose login was
// committed before the call. The error is [ErrUnavailable] if the store failed;
// some sessions may have ended then.
func (m *Manager[T]) RevokeAll(ctx context.Context, subject string, except ...ID) (int, error) {
	if err := m.checkSubject(subject); err != nil {
		return 0, err
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.started()
	n, err := m.store.DeleteAll(b, m.owner(subject), except...)
	if err != nil {
		return n, m.tell(ctx, EventError, ID{}, subject, started, unavailable("revoke all", err))
	}
	if m.watched() && n > 0 {
		m.emit(ctx, Event{Kind: EventDestroyed, Subject: subject, Duration: time.Since(started), Count: n})
	}
	return n, nil
}

// checkSubject refuses a subject that not every store can keep. It refuses the
// empty one too: sessions without a login have no common owner.
func (e *engine) checkSubject(subject string) error {
	if subject == "" || len(e.owner(subject)) > 255 || !cleanText(subject) {
		return fmt.Errorf("session: a subject has 1 to 255 bytes of UTF-8, with the realm, without NUL and without the unit separator U+001F; this one has %d bytes, and the realm %d: use a short key such as the user's id", len(subject), len(e.opts.Realm))
	}
	return nil
}
