package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	session "github.com/gostateful/session/core"
)

// visits is the data of the sessions of these laws.
type visits struct {
	N    int
	Note string
}

// manager returns an engine over a store.
func (t *trial) manager(s session.Store, opts session.Options) *session.Manager[visits] {
	t.Helper()
	opts.StoreTimeout, opts.Logger = time.Minute, slog.New(slog.DiscardHandler)
	m, err := session.New[visits](s, &opts)
	if err != nil {
		t.Fatalf("session.New: %v", err)
	}
	return m
}

// visit takes one request through the engine, as an adapter does, and returns
// the cookie that the browser holds afterwards: the same one if the response
// sets none.
func visit(ctx context.Context, m *session.Manager[visits], cookie *http.Cookie, handle func(s *session.Session[visits]) error) (*http.Cookie, error) {
	var lines []string
	if cookie != nil {
		lines = []string{cookie.Name + "=" + cookie.Value}
	}
	x := new(session.Exchange)
	x.Begin(ctx, m, lines)
	s, err := m.Get(x)
	if err != nil {
		return nil, fmt.Errorf("Get: %w", err)
	}
	if err := handle(s); err != nil {
		return nil, err
	}
	header, err := x.Commit(session.Response{})
	if err != nil {
		return nil, fmt.Errorf("Commit: %w", err)
	}
	if err := x.Finish(); err != nil {
		return nil, fmt.Errorf("Finish: %w", err)
	}
	if len(header.SetCookie) == 0 {
		return cookie, nil
	}
	return http.ParseSetCookie(header.SetCookie[0])
}

func counted(s *session.Session[visits]) error {
	return s.Update(func(v *visits) error { v.N++; return nil })
}

func engineLosesNoChange(t *trial) {
	const visitors, each = 6, 5
	m := t.manager(t.store, session.Options{})
	cookie, err := visit(t.Context(), m, nil, counted)
	if err != nil {
		t.Fatalf("the first request: %v", err)
	}
	errs := together(visitors, func(int) error {
		for range each {
			if _, err := visit(t.Context(), m, cookie, counted); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("requests that overlap: %v", err)
	}
	var n int
	if _, err := visit(t.Context(), m, cookie, func(s *session.Session[visits]) error { n = s.Data().N; return nil }); err != nil {
		t.Fatalf("the last request: %v", err)
	}
	if want := 1 + visitors*each; n != want {
		t.Fatalf("after %d requests that each count one visit: got %d, want %d", want, n, want)
	}
}

func engineLogoutWins(t *trial) {
	m := t.manager(t.store, session.Options{})
	id, subject, _ := t.during(m, func(cookie *http.Cookie, id session.ID) error { return m.Revoke(t.Context(), id) })
	t.absent("after it was revoked during a request", session.Record{ID: id, Subject: subject})

	id, subject, cookie := t.during(m, func(cookie *http.Cookie, id session.ID) error {
		_, err := visit(t.Context(), m, cookie, (*session.Session[visits]).Destroy)
		return err
	})
	// The record that a logout leaves for a while has no owner, and nobody can open
	// it.
	t.owns("after a logout during a request", subject)
	_, err := visit(t.Context(), m, cookie, func(s *session.Session[visits]) error {
		if s.ID() == id || s.Data().N != 0 || s.Subject() != "" {
			t.Errorf("after a logout during a request: got %+v of %q, want nothing", s.Data(), s.Subject())
		}
		return nil
	})
	if err != nil {
		t.Fatalf("a request after the logout: %v", err)
	}
}

// during logs in, and ends the session during a request that changes it.
func (t *trial) during(m *session.Manager[visits], end func(cookie *http.Cookie, id session.ID) error) (id session.ID, subject string, cookie *http.Cookie) {
	t.Helper()
	b := t.login(m, t.subject())
	_, err := visit(t.Context(), m, b.cookie, func(s *session.Session[visits]) error {
		if err := end(b.cookie, b.id); err != nil {
			return fmt.Errorf("its end: %w", err)
		}
		return counted(s)
	})
	if err != nil {
		t.Fatalf("a request during which another ended the session: %v", err)
	}
	return b.id, b.subject, b.cookie
}

// A browser is one that is logged in.
type browser struct {
	cookie  *http.Cookie
	id      session.ID
	subject string
}

// login logs in a new browser, and counts a visit.
func (t *trial) login(m *session.Manager[visits], subject string) browser {
	t.Helper()
	b := browser{subject: subject}
	var err error
	b.cookie, err = visit(t.Context(), m, nil, func(s *session.Session[visits]) error {
		b.id = s.ID()
		return errors.Join(counted(s), s.Login(subject, nil))
	})
	if err != nil {
		t.Fatalf("a request to log in as %q: %v", subject, err)
	}
	return b
}

// logout ends the session of a browser. The browser keeps the cookie.
func (t *trial) logout(m *session.Manager[visits], b browser) {
	t.Helper()
	if _, err := visit(t.Context(), m, b.cookie, (*session.Session[visits]).Destroy); err != nil {
		t.Fatalf("a request to log out: %v", err)
	}
}

// opens checks that the cookie of a browser opens its session, with this number
// of visits.
func (t *trial) opens(when string, m *session.Manager[visits], b browser, visits int) {
	t.Helper()
	if got := t.opened(m, b.cookie); got.ID != b.id || got.Subject != b.subject || got.Data.N != visits {
		t.Fatalf("%s: the cookie opens session %v of %q with %d visits, want %v of %q with %d",
			when, got.ID, got.Subject, got.Data.N, b.id, b.subject, visits)
	}
}

// opensNothing checks that a cookie does not open the session of a browser.
func (t *trial) opensNothing(when string, m *session.Manager[visits], cookie *http.Cookie, b browser) {
	t.Helper()
	if got := t.opened(m, cookie); got.ID == b.id || got.Subject != "" || got.Data.N != 0 {
		t.Fatalf("%s: the cookie opens session %v of %q with %d visits, want none", when, got.ID, got.Subject, got.Data.N)
	}
}

// opened returns what a request with a cookie sees.
func (t *trial) opened(m *session.Manager[visits], cookie *http.Cookie) (seen session.Info[visits]) {
	t.Helper()
	_, err := visit(t.Context(), m, cookie, func(s *session.Session[visits]) error {
		seen = session.Info[visits]{ID: s.ID(), Subject: s.Subject(), Data: s.Data()}
		return nil
	})
	if err != nil {
		t.Fatalf("a request: %v", err)
	}
	return seen
}

// lists checks that a manager lists exactly these sessions of a subject.
func (t *trial) lists(when string, m *session.Manager[visits], subject string, want ...session.ID) {
	t.Helper()
	infos, err := m.List(t.Context(), subject)
	if err != nil {
		t.Fatalf("%s: Manager.List(%q): %v", when, subject, err)
	}
	var got []session.ID
	for _, info := range infos {
		got = append(got, info.ID)
		if info.Subject != subject {
			t.Fatalf("%s: Manager.List(%q) shows a session of %q", when, subject, info.Subject)
		}
	}
	slices.SortFunc(got, newestFirst) // List has the last used first
	slices.SortFunc(want, newestFirst)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: Manager.List(%q): got the sessions %v, want %v", when, subject, got, want)
	}
}

// revokes checks that a manager ends this number of sessions of a subject.
func (t *trial) revokes(when string, m *session.Manager[visits], subject string, want int) {
	t.Helper()
	n, err := m.RevokeAll(t.Context(), subject)
	if err != nil || n != want {
		t.Fatalf("%s: Manager.RevokeAll(%q): got %d ended and error %v, want %d", when, subject, n, err, want)
	}
}
