package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Info describes a session to its owner or an administrator: "your devices".
type Info[T any] struct {
	ID              ID
	Subject         string
	Data            T
	CreatedAt       time.Time
	AuthenticatedAt time.Time // zero if never
	ExpiresAt       time.Time
}

// List returns the live sessions of a subject, newest first. A session whose
// data cannot be decoded is listed without its data, so that it can be
// revoked, and named in the error, which is then ErrUndecodable. On any other
// error the list is nil.
func (m *Manager[T]) List(ctx context.Context, subject string) ([]Info[T], error) {
	if err := checkSubject(subject); err != nil {
		return nil, err
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.now()
	records, err := m.store.List(b, subject)
	if err != nil {
		err = unavailable("list", err)
		m.event(ctx, EventError, ID{}, subject, started, err)
		return nil, err
	}
	infos := make([]Info[T], 0, len(records))
	var faults []error
	for _, rec := range records {
		info := Info[T]{ID: rec.ID, Subject: rec.Subject, ExpiresAt: rec.ExpiresAt}
		env, err := m.unseal(rec)
		if err == errExpired {
			continue
		}
		if err == nil {
			info.CreatedAt, info.AuthenticatedAt = fromMilli(env.created), fromMilli(env.authenticated)
			err = m.decodeInto(&info.Data, env)
		}
		if err != nil && !errors.Is(err, ErrUndecodable) {
			err = undecodable(rec.ID, err)
		}
		if err != nil {
			faults = append(faults, err)
		}
		infos = append(infos, info)
	}
	return infos, errors.Join(faults...)
}

func (m *Manager[T]) decodeInto(v *T, env envelope) error {
	if err := m.migrate(&env); err != nil {
		return err
	}
	data, err := m.decode(env.data)
	if err == nil {
		*v = *data
	}
	return err
}

// Revoke ends a session, whoever it belongs to. That there was none is no
// error. A request of the session that is on its way does not bring it back.
func (m *Manager[T]) Revoke(ctx context.Context, id ID) error {
	if id.IsZero() {
		return errZeroID
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.now()
	if err := m.store.Delete(b, id); err != nil {
		err = unavailable("revoke", err)
		m.event(ctx, EventError, id, "", started, err)
		return err
	}
	m.event(ctx, EventDestroyed, id, "", started, nil)
	return nil
}

// RevokeAll ends the sessions of a subject but for those in except, such as
// the present one, and returns how many: after a change of password, say. It
// ends each session whose login had been committed before the call.
func (m *Manager[T]) RevokeAll(ctx context.Context, subject string, except ...ID) (int, error) {
	if err := checkSubject(subject); err != nil {
		return 0, err
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.now()
	n, err := m.store.DeleteAll(b, subject, except...)
	if err != nil {
		err = unavailable("revoke all", err)
		m.event(ctx, EventError, ID{}, subject, started, err)
		return n, err
	}
	if m.watched() && n > 0 {
		m.emit(ctx, Event{Kind: EventDestroyed, Subject: subject, Duration: time.Since(started), Count: n})
	}
	return n, nil
}

// checkSubject refuses what not every store can keep. Nobody's sessions are
// not one owner's: so an empty subject neither logs in nor owns anything.
func checkSubject(subject string) error {
	if subject == "" || len(subject) > 255 || strings.IndexByte(subject, 0) >= 0 || !utf8.ValidString(subject) {
		return fmt.Errorf("session: a subject has 1 to 255 bytes of UTF-8 without NUL, and this one has %d bytes: use a short key such as the user's id", len(subject))
	}
	return nil
}

// Modify changes the data of a session from outside its requests, such as from
// a job, with the promises of Session.Update. It does not count as use: the
// expiry stays as it was read, and a use that is recorded at the same moment
// may be set back to it until the next one. ErrNotFound if there is no such
// session.
func (m *Manager[T]) Modify(ctx context.Context, id ID, fn func(*T) error) error {
	if id.IsZero() {
		return errZeroID
	}
	b := bound(ctx, m.opts.StoreTimeout)
	defer b.stop()
	started := m.now()
	rec, env, err := m.fetch(b, id)
	s := &Session[T]{m: m, x: &Exchange{Context: ctx, manager: m.engine()}, stored: true, trusted: true}
	if err == nil {
		if err = s.adopt(rec, env); err != nil {
			err = undecodable(id, err)
		}
	}
	if err != nil {
		if !errors.Is(err, ErrNotFound) || errors.Is(err, ErrUndecodable) {
			m.event(ctx, EventError, id, rec.Subject, started, err)
		}
		return err
	}
	if err := s.Update(fn); err != nil {
		return err
	}
	return s.Commit(ctx)
}
