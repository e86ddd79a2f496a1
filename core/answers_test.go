package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 19: Retry-After belongs to a 409, not to a login that worked.
func TestRetryAfterOfALogin(t *testing.T) {
	t.Run("that went on", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(&browser{b.cookie})
		s := r.get()
		si.visit(b, loggedIn)
		if err := s.Login("alice", nil); err != nil {
			t.Fatal(err)
		}
		if h, err := r.respond(); err != nil || h.RetryAfter != "" {
			t.Errorf("got %v and Retry-After %q with a login that worked", err, h.RetryAfter)
		}
	})
	t.Run("after a refused Update", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		old := *b
		si.visit(b, loggedIn)
		r := si.begin(&old)
		s := r.get()
		if err := s.Update(increment); !errors.Is(err, session.ErrSuperseded) {
			t.Fatal(err)
		}
		if err := s.Login("alice", nil); err != nil {
			t.Fatal(err)
		}
		if h, err := r.respond(); err != nil || h.RetryAfter != "" {
			t.Errorf("got %v and Retry-After %q with a login that worked", err, h.RetryAfter)
		}
	})
}

// Law 19: 409 says when to come again, even after a Commit in the handler.
func TestRetryAfterSecondRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(&browser{b.cookie})
		s := r.get()
		si.visit(b, loggedIn)
		if err := s.Update(increment); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context()); !errors.Is(err, session.ErrSuperseded) {
			t.Fatal(err)
		}
		if err := s.Update(increment); !errors.Is(err, session.ErrSuperseded) {
			t.Fatal(err)
		}
		if h, err := r.respond(); err != nil || h.RetryAfter != "60" {
			t.Errorf("got %v and Retry-After %q, want 60", err, h.RetryAfter)
		}
	})
}

// NewContext: a test may do all that a handler may.
func TestNewContextLikeAnyOther(t *testing.T) {
	do := func(name string, act func(m *session.Manager[cart], s *session.Session[cart]) error) {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("panic: %v", p)
				}
			}()
			m := newSite(t, nil).Manager
			s, err := m.Get(m.NewContext(t.Context(), session.Info[cart]{Subject: "alice"}))
			if err == nil {
				err = act(m, s)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	do("Login, Commit, Touch", func(_ *session.Manager[cart], s *session.Session[cart]) error {
		return errors.Join(s.Login("bob", nil), s.Commit(t.Context()), s.Touch(t.Context()))
	})
	do("Destroy, Update, Commit, Touch", func(_ *session.Manager[cart], s *session.Session[cart]) error {
		return errors.Join(s.Destroy(), s.Update(increment), s.Commit(t.Context()), s.Touch(t.Context()))
	})

	t.Run("Get before and after the header", func(t *testing.T) {
		m := newSite(t, nil).Manager
		x := new(session.Exchange)
		x.Begin(m.NewContext(t.Context(), session.Info[cart]{Subject: "alice"}), m, nil)
		if _, err := m.Get(x); err != nil {
			t.Fatal(err)
		}
		if _, err := x.Commit(session.Response{}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Get(x); err != nil {
			t.Errorf("the second Get, after the header: %v", err)
		}
	})
	t.Run("its error, through the middleware", func(t *testing.T) {
		type odd struct{ V fmt.Stringer }
		store := newTestStore()
		odds := program[odd](t, store, nil)
		x := new(session.Exchange)
		x.Begin(odds.NewContext(t.Context(), session.Info[odd]{Data: odd{time.Second}}), odds, nil)
		if _, err := odds.Get(x); err == nil {
			t.Error("data that cannot be decoded was accepted")
		}
	})
}

// An event names the session that it is about.
func TestEventsNameTheSession(t *testing.T) {
	find := func(si *site, kind session.EventKind) (found session.Event, n int) {
		for _, e := range si.events {
			if e.Kind == kind {
				found = e
				n++
			}
		}
		return found, n
	}
	t.Run("of a logout that failed", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(b)
		s := r.get()
		id := s.ID()
		if err := s.Destroy(); err != nil {
			t.Fatal(err)
		}
		si.kinds()
		si.store.down()
		r.respond()
		if e, _ := find(si, session.EventError); e.ID != id || e.Subject != "alice" {
			t.Errorf("got %v of %q, want %v of alice", e.ID, e.Subject, id)
		}
	})
	t.Run("of a logout that a panic dropped", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(b)
		s := r.get()
		id := s.ID()
		if err := s.Destroy(); err != nil {
			t.Fatal(err)
		}
		si.kinds()
		r.Discard()
		if e, _ := find(si, session.EventDiscarded); e.ID != id || e.Subject != "alice" {
			t.Errorf("got %v of %q, want %v of alice", e.ID, e.Subject, id)
		}
	})
	t.Run("of a login that failed", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(b)
		if err := r.get().Login("bob", nil); err != nil {
			t.Fatal(err)
		}
		si.kinds()
		si.store.down()
		r.respond()
		if e, _ := find(si, session.EventError); e.Subject != "alice" {
			t.Errorf("got %q, want alice: the session has never been that of bob", e.Subject)
		}
	})
	t.Run("of two logins within a millisecond", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, func(s *session.Session[cart]) error {
				return errors.Join(s.Login("alice", nil), s.Commit(t.Context()), s.Login("bob", nil))
			})
			if _, n := find(si, session.EventLogin); n != 2 {
				t.Errorf("got %d events of a login, want 2", n)
			}
		})
	})
}

// A client that has left is no failure of the store.
func TestClientThatLeft(t *testing.T) {
	left := func(t *testing.T) context.Context {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return ctx
	}
	t.Run("Touch", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		if err := si.begin(b).get().Touch(left(t)); errors.Is(err, session.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
	t.Run("List", func(t *testing.T) {
		si := newSite(t, nil)
		if _, err := si.List(left(t), "alice"); si.saw(session.EventError) {
			t.Errorf("an event tells of an outage: %v", err)
		}
	})
	t.Run("while another goroutine of the request is at work", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			r := si.begin(b)
			s := r.get()
			go func() { _ = s.Update(func(*cart) error { time.Sleep(time.Minute); return nil }) }()
			synctest.Wait()
			if err := s.Touch(left(t)); !errors.Is(err, context.Canceled) || session.HTTPStatus(err) != 499 {
				t.Errorf("got %v and status %d, want 499", err, session.HTTPStatus(err))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for name, call := range map[string]func(context.Context) error{"Touch": s.Touch, "Commit": s.Commit} {
				if err := call(ctx); !errors.Is(err, session.ErrUnavailable) || session.HTTPStatus(err) != 503 {
					t.Errorf("%s, and its time is over: got %v and status %d, want 503", name, err, session.HTTPStatus(err))
				}
			}
			time.Sleep(time.Minute) // until the other goroutine is done
		})
	})
	t.Run("its status, wrapped", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		x := new(session.Exchange)
		x.Begin(left(t), si, b.lines())
		_, err := si.Get(x)
		if got, want := session.HTTPStatus(fmt.Errorf("load: %w", err)), session.HTTPStatus(err); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	})
}

// Touch and Commit are bounded by their context, even while another goroutine
// is at work.
func TestTouchHeedsItsContextAtTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		s := si.begin(b).get()
		go func() { _ = s.Update(func(*cart) error { time.Sleep(time.Hour); return nil }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_ = s.Touch(ctx)
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("took %v, and its context has a second, StoreTimeout three", took)
		}
		time.Sleep(time.Hour) // until the other goroutine is done
	})
}

// A failure of the store at Touch is reported like any other.
func TestTouchThatFailsAtTheLoad(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, loggedIn)
	s := si.begin(b).get()
	si.kinds()
	si.store.down()
	if err := s.Touch(t.Context()); !errors.Is(err, session.ErrUnavailable) || !si.saw(session.EventError) {
		t.Errorf("got %v, and no event", err)
	}
}

// A login after a logout gets as many tries as any other write, even if the
// reply of the logout was lost.
func TestDoubtOfALogoutIsNotThatOfTheLogin(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, loggedIn)
	lose := map[string]bool{"update": true, "create": true}
	si.store.hook(nil, func(m string, _ session.ID) error {
		if lose[m] {
			lose[m] = false
			return errDown
		}
		return nil
	})
	r := si.begin(b)
	s := r.get()
	if err := errors.Join(s.Destroy(), s.Login("bob", nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.respond(); err != nil {
		t.Errorf("one lost reply each: got %v", err)
	}
}
