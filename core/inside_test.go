package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// A call of the session from inside its own Update function could never return.
// It is an error that names the mistake. If the call began the response,
// nothing of the Update is kept.
func TestCallInsideUpdate(t *testing.T) {
	inside := func(t *testing.T, si *site, r *request, s *session.Session[cart]) map[string]func() error {
		return map[string]func() error{
			"Update":  func() error { return s.Update(increment) },
			"Login":   func() error { return s.Login("bob", nil) },
			"Renew":   func() error { return s.Renew() },
			"Destroy": func() error { return s.Destroy() },
			"Commit":  func() error { return s.Commit(t.Context()) },
			"Touch":   func() error { return s.Touch(t.Context()) },
			"the response": func() error {
				_, err := r.Commit(session.Response{})
				return err
			},
			"the end of the request": func() error { return r.Finish() },
		}
	}
	for name := range inside(t, nil, nil, nil) {
		t.Run(name, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			r := si.begin(b)
			s := r.get()
			act := inside(t, si, r, s)[name]
			var got error
			err := s.Update(func(c *cart) error {
				_, _ = s.Data(), s.Subject() // reads need not wait
				if same, err := si.Get(r); err != nil || same != s {
					t.Errorf("Get: got %v", err)
				}
				got = act()
				return increment(c)
			})
			if got == nil || !strings.Contains(got.Error(), "inside an Update function") || session.HTTPStatus(got) != 500 {
				t.Errorf("got %v, want an error that names the mistake", got)
			}
			over := name == "the response" || name == "the end of the request"
			if over != (err != nil) {
				t.Errorf("Update itself: got %v", err)
			}
			if _, err := r.respond(); err != nil {
				t.Error(err)
			}
			_ = r.Finish()
			want := 1
			if over {
				want = 0
			}
			if si.data(b).N != want {
				t.Errorf("the counter is %d, want %d", si.data(b).N, want)
			}
		})
	}

	t.Run("not another goroutine, however slow the function is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			r := si.begin(b)
			s := r.get()
			go func() {
				if err := s.Update(func(c *cart) error { time.Sleep(time.Minute); return increment(c) }); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
			if err := s.Update(increment); err != nil {
				t.Errorf("another goroutine: %v", err)
			}
			if _, err := r.respond(); err != nil || si.data(b).N != 2 {
				t.Errorf("got %v, counter %d", err, si.data(b).N)
			}
		})
	})
	t.Run("again, when the change is made on newer data", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		r := si.begin(b)
		s := r.get()
		runs := 0
		_ = s.Update(func(c *cart) error {
			if runs++; runs > 1 {
				return s.Renew()
			}
			return increment(c)
		})
		si.visit(b, incremented)
		if _, err := r.respond(); !errors.Is(err, session.ErrConflict) || !strings.Contains(err.Error(), "inside an Update function") {
			t.Errorf("got %v", err)
		}
	})
}

// An observer may use the session: nothing is held while it runs.
func TestObserverMayUseTheSession(t *testing.T) {
	var m *session.Manager[cart]
	busy := false
	m, err := session.New[cart](newTestStore(), &session.Options{
		StragglerWindow: time.Millisecond,
		Observer: func(ctx context.Context, _ session.Event) {
			if busy {
				return
			}
			busy = true
			defer func() { busy = false }()
			s, err := m.Get(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Update(increment)
			_ = s.Touch(t.Context())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	x := new(session.Exchange)
	x.Begin(t.Context(), m, nil)
	s, err := m.Get(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Update(increment), s.Commit(t.Context()), s.Login("alice", nil)); err != nil {
		t.Error(err)
	}
	if _, err := x.Commit(session.Response{}); err != nil || x.Finish() != nil {
		t.Error(err)
	}
}
