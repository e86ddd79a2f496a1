package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	session "github.com/gostateful/session/core"
)

// Destroy leaves a tombstone: a record without a subject. By it the engine
// recognises requests of the ended session that are still on their way.

func engineKnowsStragglersOfLogout(t *trial) {
	m := t.manager(t.store, session.Options{StragglerWindow: time.Hour})
	b := t.login(m, t.subject())
	t.logout(m, b)
	t.strandsStragglers("after a logout", m, b)

	next := browser{subject: t.subject()}
	cookie, err := visit(t.Context(), m, b.cookie, func(s *session.Session[visits]) error {
		err := s.Login(next.subject, nil)
		next.id = s.ID()
		return err
	})
	if err != nil {
		t.Fatalf("a login with the token of a session that was logged out of: %v", err)
	}
	next.cookie = cookie
	t.strandsStragglers("after the next login", m, b)
	t.opens("after the next login, and a straggler", m, next, 0)
}

// strandsStragglers checks that a request of an ended session reads nothing,
// changes nothing and leaves the browser's cookie alone.
func (t *trial) strandsStragglers(when string, m *session.Manager[visits], b browser) {
	t.Helper()
	before, err := t.store.Load(t.Context(), b.id)
	if err != nil {
		t.Fatalf("%s: Load of what it leaves: got error %v, want the record, for the straggler's window", when, err)
	}
	t.opensNothing(when, m, b.cookie, b)
	cookie, err := visit(t.Context(), m, b.cookie, func(s *session.Session[visits]) error {
		if err := counted(s); !errors.Is(err, session.ErrSuperseded) {
			return fmt.Errorf("Update: got error %w, want %w", err, session.ErrSuperseded)
		}
		return s.Destroy()
	})
	if err != nil {
		t.Fatalf("%s: a straggler: %v", when, err)
	}
	if cookie != b.cookie {
		t.Fatalf("%s: a straggler sets the cookie %q, over that of a newer session", when, cookie)
	}
	t.holds(when+", and a straggler", before)
}

func engineLogoutLeavesNoSession(t *trial) {
	m := t.manager(t.store, session.Options{StragglerWindow: time.Hour})
	subject := t.subject()
	phone, desk := t.login(m, subject), t.login(m, subject)
	t.logout(m, phone)
	for _, when := range []string{"after a logout", "after a touch that came late"} {
		t.owns(when, subject, desk.id)
		t.owns(when, "")
		t.lists(when, m, subject, desk.id)
		_, err := m.Find(t.Context(), phone.id)
		t.answers(when+": Manager.Find", err, session.ErrNotFound)
		err = m.Update(t.Context(), phone.id, func(v *visits) error { v.N++; return nil })
		t.answers(when+": Manager.Update", err, session.ErrNotFound)
		if err := m.Revoke(t.Context(), phone.id); err != nil {
			t.Fatalf("%s: Manager.Revoke: %v", when, err)
		}
		t.strandsStragglers(when, m, phone)
		// A request that read its session before the logout may do this.
		if err := t.store.Touch(t.Context(), phone.id, in(2*time.Hour)); err != nil {
			t.Fatalf("%s: Touch of what it leaves: %v", when, err)
		}
	}
	t.revokes("after a logout, of the session that is left", m, subject, 1)
	if n := t.deleteAll(""); n != 0 {
		t.Fatalf(`after a logout: DeleteAll(""): got %d removed, want 0`, n)
	}
	t.strandsStragglers("after all were revoked", m, phone)
}

func engineForgetsLogout(t *trial) {
	var m *session.Manager[visits]
	var b browser
	var left session.Record
	t.within(func(window time.Duration) (time.Time, error) {
		m = t.manager(t.store, session.Options{StragglerWindow: window})
		b = t.login(m, t.subject())
		begun := time.Now()
		t.logout(m, b)
		var err error
		left, err = t.store.Load(t.Context(), b.id)
		if err == nil && left.ExpiresAt.After(time.Now().Add(window)) {
			return left.ExpiresAt, fmt.Errorf("what a logout leaves expires at %v, want within the straggler's window of %v", left.ExpiresAt, window)
		}
		return begun.Add(window), err
	})
	t.pass(left.ExpiresAt)
	t.absent("after the straggler's window", left)
	cookie, err := visit(t.Context(), m, b.cookie, counted)
	if err != nil || cookie == b.cookie {
		t.Fatalf("a visitor with the token of a logout that is forgotten: got error %v, want a new session", err)
	}
	t.absent("after a new session of its browser", left)
}

// full is a store that has no room for anything.
type full struct{ session.Store }

var errFull = errors.New("storetest: no room left")

func (full) Create(context.Context, session.Record) error       { return errFull }
func (full) Touch(context.Context, session.ID, time.Time) error { return errFull }
func (s full) Update(ctx context.Context, r session.Record) error {
	if r.ExpiresAt.IsZero() || time.Now().Before(r.ExpiresAt) {
		return errFull
	}
	return s.Store.Update(ctx, r)
}

func engineLogsOutWhenFull(t *trial) {
	b := t.login(t.manager(t.store, session.Options{}), t.subject())
	m := t.manager(full{t.store}, session.Options{})
	if _, err := visit(t.Context(), m, b.cookie, counted); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("a change while the store is full: got error %v, want %v", err, session.ErrUnavailable)
	}
	t.opens("while the store is full", m, b, 1)
	t.logout(m, b)
	t.absent("after a logout while the store was full", session.Record{ID: b.id, Subject: b.subject})
	t.opensNothing("after a logout while the store was full", m, b.cookie, b)
}
