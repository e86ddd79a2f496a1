package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

// engineTakesOnce makes overlapping requests take the same thing.
func engineTakesOnce(t *trial) {
	const requests, rounds = 8, 5
	m := t.manager(t.store, session.Options{})
	cookie, err := visit(t.Context(), m, nil, counted)
	if err != nil {
		t.Fatalf("the first request: %v", err)
	}
	for round := range rounds {
		token := fmt.Sprint("token ", round)
		if _, err := visit(t.Context(), m, cookie, func(s *session.Session[visits]) error {
			return s.Update(func(v *visits) error { v.Note = token; return nil })
		}); err != nil {
			t.Fatalf("a request that leaves a token: %v", err)
		}
		var mu sync.Mutex
		var taken []string
		errs := together(requests, func(int) error {
			_, err := visit(t.Context(), m, cookie, func(s *session.Session[visits]) error {
				note, err := session.Take(t.Context(), s, func(v *visits) (note string) {
					note, v.Note = v.Note, ""
					return note
				})
				if note != "" {
					mu.Lock()
					defer mu.Unlock()
					taken = append(taken, note)
				}
				return err
			})
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("requests that take a token: %v", err)
		}
		if !slices.Equal(taken, []string{token}) {
			t.Fatalf("requests that overlap took %q, want %q once", taken, token)
		}
	}
}

// engineBoundsSubjects logs in more browsers at once than a subject may have
// sessions.
func engineBoundsSubjects(t *trial) {
	const most, logins = 3, 20
	m := t.manager(t.store, session.Options{MaxPerSubject: most})
	subject, other := t.subject(), t.login(m, t.subject())
	var browsers [logins]browser
	errs := together(logins, func(i int) error {
		var err error
		browsers[i].subject = subject
		browsers[i].cookie, err = visit(t.Context(), m, nil, func(s *session.Session[visits]) error {
			browsers[i].id = s.ID()
			return errors.Join(counted(s), s.Login(subject, nil))
		})
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("simultaneous logins: %v", err)
	}
	infos, err := m.List(t.Context(), subject)
	if err != nil {
		t.Fatalf("Manager.List: %v", err)
	}
	if len(infos) == 0 || len(infos) > most {
		t.Fatalf("after %d simultaneous logins: got %d sessions, want 1 to %d", logins, len(infos), most)
	}
	for _, b := range browsers {
		if slices.ContainsFunc(infos, func(i session.Info[visits]) bool { return i.ID == b.id }) {
			t.opens("after simultaneous logins", m, b, 1)
		} else {
			t.opensNothing("after simultaneous logins", m, b.cookie, b)
		}
	}
	t.opens("after the logins of another subject", m, other, 1)

	for !time.Now().After(infos[0].LastUsedAt.Add(time.Millisecond)) { // of sessions last used at one moment, any may end
		time.Sleep(time.Millisecond)
	}
	last := t.login(m, subject)
	t.opens("after a login beyond the limit", m, last, 1)
}

const day = 24 * time.Hour

// engineRemembers gives two sessions of a subject different clocks.
func engineRemembers(t *trial) {
	m := t.manager(t.store, session.Options{Remember: session.Clocks{IdleTimeout: 10 * day, Lifetime: 30 * day}})
	subject := t.subject()
	brief := t.login(m, subject)
	long := browser{subject: subject}
	var err error
	long.cookie, err = visit(t.Context(), m, nil, func(s *session.Session[visits]) error {
		long.id = s.ID()
		return errors.Join(counted(s), s.Login(subject, &session.LoginOptions{Remember: true}))
	})
	if err != nil {
		t.Fatalf("a login that is remembered: %v", err)
	}
	if long.cookie.MaxAge != int((30*day).Seconds()) || brief.cookie.MaxAge != 0 {
		t.Fatalf("the cookies last %d and %d seconds, want 30 days, and until the browser closes", long.cookie.MaxAge, brief.cookie.MaxAge)
	}
	t.opens("after a login that is remembered", m, long, 1)
	infos, err := m.List(t.Context(), subject)
	if err != nil || len(infos) != 2 {
		t.Fatalf("Manager.List: got %d sessions, %v; want 2", len(infos), err)
	}
	for _, info := range infos {
		lasts := time.Hour
		if info.ID == long.id {
			lasts = 10 * day
		}
		if got := info.ExpiresAt.Sub(info.LastUsedAt); info.Remembered != (info.ID == long.id) || got != lasts {
			t.Fatalf("session %v lasts %v without use, remembered: %t; want %v", info.ID, got, info.Remembered, lasts)
		}
		if info.LastUsedAt.Before(info.AuthenticatedAt) || info.LastUsedAt.After(time.Now()) {
			t.Fatalf("session %v was last used at %v, want it since its login at %v", info.ID, info.LastUsedAt, info.AuthenticatedAt)
		}
	}
}

// engineChangesAllOfSubject changes the data of all sessions of a subject,
// while requests change it too.
func engineChangesAllOfSubject(t *trial) {
	const browsers, each = 4, 5
	m := t.manager(t.store, session.Options{})
	subject, other := t.subject(), t.login(m, t.subject())
	var all []browser
	for range browsers {
		all = append(all, t.login(m, subject))
	}
	errs := together(browsers+1, func(i int) error {
		for range each {
			if i < browsers {
				if _, err := visit(t.Context(), m, all[i].cookie, counted); err != nil {
					return err
				}
				continue
			}
			n, err := m.UpdateAll(t.Context(), subject, func(v *visits) error { v.Note += "x"; return nil })
			if err != nil || n != browsers {
				return fmt.Errorf("Manager.UpdateAll: got %d, %w; want %d", n, err, browsers)
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("a change of all sessions, beside requests: %v", err)
	}
	for _, b := range all {
		if got := t.opened(m, b.cookie).Data; got.N != 1+each || len(got.Note) != each {
			t.Fatalf("a session of the subject holds %+v, want %d visits and %d marks", got, 1+each, each)
		}
	}
	if got := t.opened(m, other.cookie).Data; got.Note != "" {
		t.Fatalf("a session of another subject holds %+v, want no mark", got)
	}
}

func enginePings(t *trial) {
	if err := t.manager(t.store, session.Options{}).Ping(t.Context()); err != nil {
		t.Fatalf("Manager.Ping: %v", err)
	}
}
