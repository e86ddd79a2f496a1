package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	session "github.com/gostateful/session/core"
)

func engineRecordsLastUse(t *trial) {
	// Lifetime ends with the first idle timeout. The store must ignore that.
	const idle = 24 * time.Hour
	m := t.manager(t.store, session.Options{IdleTimeout: idle, Lifetime: idle})
	begun := in(0)
	b := t.login(m, t.subject())
	t.expires("after a login", b.id, begun, idle)
	for _, test := range []struct {
		name string
		left time.Duration // of the idle timeout
		load bool          // the load records its use, because it could expire during the request
	}{
		{"little time left", idle / 4, true},
		{"much time left", 3 * idle / 4, false},
	} {
		when := "for a request with " + test.name
		before := t.lastUsed(b.id, test.left)
		t.pass(in(time.Millisecond)) // so that Lifetime ends earlier than the idle timeout
		begun = in(0)
		_, err := visit(t.Context(), m, b.cookie, func(s *session.Session[visits]) error {
			if test.load {
				t.expires(when+", while it is handled", b.id, begun, idle)
			} else {
				t.holds(when+", while it is handled", before)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		t.expires(when+", after it", b.id, begun, idle)
	}
	// A job does not count as a use.
	before := t.lastUsed(b.id, idle/4)
	if err := m.Update(t.Context(), b.id, func(v *visits) error { v.N++; return nil }); err != nil {
		t.Fatalf("Manager.Update: %v", err)
	}
	if after := t.only(b.subject); !after.ExpiresAt.Equal(before.ExpiresAt) {
		t.Fatalf("after Manager.Update: got ExpiresAt %v, want %v as before", after.ExpiresAt, before.ExpiresAt)
	}
	t.opens("at last", m, b, 2)
}

// lastUsed moves the last use of a session back, so that this much of its time
// is left.
func (t *trial) lastUsed(id session.ID, left time.Duration) (r session.Record) {
	t.Helper()
	err := attempt(t.Context(), t.store, id, func(old *session.Record) {
		old.ExpiresAt = in(left)
		r = *old
	})
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	r.Version++
	return r
}

// expires checks that a session was last used between since and now.
func (t *trial) expires(when string, id session.ID, since time.Time, idle time.Duration) {
	t.Helper()
	r, err := t.store.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("%s: Load: %v", when, err)
	}
	if used := r.ExpiresAt.Add(-idle); used.Before(since) || used.After(time.Now()) {
		t.Fatalf("%s: got ExpiresAt %v, want the idle timeout of %v after the last use, which was at %v or later", when, r.ExpiresAt, idle, since)
	}
}

// beside is a store in which a request comes between a job's load and its write.
type beside struct {
	session.Store
	request func() error
}

func (s *beside) Update(ctx context.Context, r session.Record) error {
	if err := s.request(); err != nil {
		return err
	}
	return s.Store.Update(ctx, r)
}

func engineJobTakesBackNoUse(t *trial) {
	const idle = 24 * time.Hour
	opts := session.Options{IdleTimeout: idle}
	m := t.manager(t.store, opts)
	b := t.login(m, t.subject())
	t.lastUsed(b.id, idle/4)
	begun := in(0)
	jobs := t.manager(&beside{t.store, func() error {
		_, err := visit(t.Context(), m, b.cookie, func(*session.Session[visits]) error { return nil })
		return err
	}}, opts)
	if err := jobs.Update(t.Context(), b.id, func(v *visits) error { v.N++; return nil }); err != nil {
		t.Fatalf("Manager.Update while a request uses the session: %v", err)
	}
	t.expires("after a job, during which a request used the session", b.id, begun, idle)
	t.opens("after a job, during which a request used the session", m, b, 2)
}

func engineTooLateIsAnError(t *trial) {
	for idle := realLead; idle < time.Minute; idle *= 2 {
		m := t.manager(t.store, session.Options{IdleTimeout: idle})
		b := t.login(m, t.subject())
		live := false
		_, err := visit(t.Context(), m, b.cookie, func(s *session.Session[visits]) error {
			live = s.ID() == b.id
			t.pass(s.ExpiresAt())
			return counted(s)
		})
		if !live {
			continue // the machine was too slow
		}
		if !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("a request whose session expired before it changed it: got error %v, want %v, as the change is lost", err, session.ErrNotFound)
		}
		t.absent("after that", session.Record{ID: b.id, Subject: b.subject})
		return
	}
	t.Fatal("the store takes too long for laws about expiry to be tested")
}

// century is the longest time that session.New accepts.
const century = 100 * 365 * 24 * time.Hour

func engineLastsACentury(t *trial) {
	m := t.manager(t.store, session.Options{IdleTimeout: century, Lifetime: century, StragglerWindow: century})
	subject := t.subject()
	begun := in(0)
	b, other := t.login(m, subject), t.login(m, subject)
	t.expires("after a login", b.id, begun, century)
	if _, err := visit(t.Context(), m, b.cookie, counted); err != nil {
		t.Fatalf("a change: %v", err)
	}
	t.expires("after a change", b.id, begun, century)

	t.lastUsed(b.id, century/4)
	begun = in(0)
	t.opens("after many years", m, b, 2)
	t.expires("after a use", b.id, begun, century)
	t.lists("of a century", m, subject, b.id, other.id)

	t.logout(m, b)
	t.strandsStragglers("after a logout, for a century", m, b)
	left, err := t.store.Load(t.Context(), b.id)
	if err == nil && time.Until(left.ExpiresAt) < century-time.Hour {
		err = fmt.Errorf("got ExpiresAt %v, want that in a century", left.ExpiresAt)
	}
	if err != nil {
		t.Fatalf("what a logout leaves for a century: %v", err)
	}
	t.lists("after a logout", m, subject, other.id)
	t.revokes("of the session that is left", m, subject, 1)
}
