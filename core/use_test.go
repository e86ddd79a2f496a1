package session_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// TestPeek: a poll reads the session and does not keep it alive.
func TestPeek(t *testing.T) {
	poll := func(si *site, b *browser) (session.Info[cart], session.Header, error) {
		r := si.begin(b)
		info, err := si.Peek(r)
		h, commitErr := r.respond()
		if err := errors.Join(commitErr, r.Finish()); err != nil {
			t.Error(err)
		}
		return info, h, err
	}
	t.Run("is no use", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &session.Options{RenewEvery: 10 * time.Minute}), &browser{}
			si.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("alice", nil), s.Update(increment)) })
			si.store.took()
			for range 59 {
				time.Sleep(time.Minute)
				info, h, err := poll(si, b)
				if err != nil || info.Subject != "alice" || info.Data.N != 1 || !info.LastUsedAt.Add(time.Hour).Equal(info.ExpiresAt) {
					t.Fatalf("got %+v, %v", info, err)
				}
				if h.Vary != "Cookie" || cookieOf(h) != "" {
					t.Fatalf("got %+v, want Vary: Cookie and no cookie", h)
				}
			}
			if got := slices.Compact(si.store.took()); !slices.Equal(got, []string{"load"}) {
				t.Errorf("the polls made the store calls %v, want loads alone", got)
			}
			time.Sleep(time.Minute)
			if _, _, err := poll(si, b); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("after IdleTimeout: got %v, want ErrNotFound", err)
			}
		})
	})
	t.Run("beside a Get", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, peekFirst := range []bool{true, false} {
				si, b := newSite(t, nil), &browser{}
				si.visit(b, loggedIn)
				time.Sleep(50 * time.Minute)
				r := si.begin(b)
				if !peekFirst {
					r.get()
				}
				if _, err := si.Peek(r); err != nil {
					t.Error(err)
				}
				s := r.get()
				if _, err := r.respond(); err != nil {
					t.Error(err)
				}
				if got := s.ExpiresAt(); !got.Equal(time.Now().Add(time.Hour)) {
					t.Errorf("peek first: %t: the session expires at %v, want it used", peekFirst, got)
				}
			}
		})
	})
	t.Run("without a session", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		if _, h, err := poll(si, b); !errors.Is(err, session.ErrNotFound) || h.Vary != "Cookie" {
			t.Errorf("a visitor: got %v and %+v", err, h)
		}
		si.visit(b, loggedIn)
		old := *b
		si.visit(b, loggedIn)
		if _, h, err := poll(si, &old); !errors.Is(err, session.ErrSuperseded) || h.RetryAfter != "60" {
			t.Errorf("a straggler: got %v and Retry-After %q, want ErrSuperseded and 60 seconds", err, h.RetryAfter)
		}
		if _, err := si.Peek(t.Context()); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("outside of a request: got %v, want ErrNoSession", err)
		}
		si.store.down()
		if _, _, err := poll(si, b); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("an outage: got %v, want ErrUnavailable", err)
		}
	})
	t.Run("in a test", func(t *testing.T) {
		si := newSite(t, nil)
		info, err := si.Peek(si.NewContext(t.Context(), session.Info[cart]{Subject: "alice", Data: cart{N: 3}}))
		if err != nil || info.Subject != "alice" || info.Data.N != 3 {
			t.Errorf("got %+v, %v", info, err)
		}
	})
}

func popItems(c *cart) []string {
	items := c.Items
	c.Items = nil
	return items
}

// TestTake: a value is taken once, and nothing that arrives meanwhile is lost.
func TestTake(t *testing.T) {
	t.Run("by requests that overlap", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("token")) })
		var mu sync.Mutex
		var got []string
		var all sync.WaitGroup
		for range 20 {
			r := si.begin(b)
			s := r.get() // all have loaded it before one takes it
			all.Go(func() {
				taken, err := session.Take(t.Context(), s, popItems)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, taken...)
			})
		}
		all.Wait()
		if !slices.Equal(got, []string{"token"}) {
			t.Errorf("took %q, want it once", got)
		}
	})
	t.Run("a message that arrives meanwhile", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("first")) })
		r := si.begin(b)
		s := r.get()
		si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("second")) })
		got, err := session.Take(t.Context(), s, popItems)
		if err != nil || !slices.Equal(got, []string{"first", "second"}) || len(si.data(b).Items) != 0 {
			t.Errorf("took %q, %v; want both messages", got, err)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		r := si.begin(b)
		s := r.get()
		si.store.took()
		got, err := session.Take(t.Context(), s, popItems)
		if calls := si.store.took(); err != nil || got != nil || len(calls) != 0 {
			t.Errorf("took %q, %v, with the store calls %v; want none", got, err, calls)
		}
	})
	t.Run("a lost reply", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("token")) })
		s := si.begin(b).get()
		id := s.ID()
		si.store.hook(nil, func(method string, _ session.ID) error { // another changes it before anybody can look
			if method == "update" {
				si.store.hook(nil, nil)
				if err := si.Update(t.Context(), id, increment); err != nil {
					t.Error(err)
				}
				return errDown
			}
			return nil
		})
		got, err := session.Take(t.Context(), s, popItems)
		if !errors.Is(err, session.ErrUnavailable) || got != nil {
			t.Errorf("took %q, %v; want nothing, as nobody knows", got, err)
		}
	})
	t.Run("beside other changes", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("token")) })
		s := si.begin(b).get()
		if err := s.Update(increment); err != nil {
			t.Fatal(err)
		}
		if got, err := session.Take(t.Context(), s, popItems); err == nil || !strings.Contains(err.Error(), "Commit before Take") || got != nil {
			t.Errorf("took %q, %v; want an error that says what to do", got, err)
		}
		if err := s.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := session.Take(t.Context(), s, popItems); err != nil || len(got) != 1 {
			t.Errorf("after Commit: took %q, %v", got, err)
		}
	})
	t.Run("without a function", func(t *testing.T) {
		si := newSite(t, nil)
		if _, err := session.Take[cart, int](t.Context(), si.begin(&browser{}).get(), nil); err == nil {
			t.Error("no function was accepted")
		}
	})
	t.Run("of a session that has ended", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("token")) })
		s := si.begin(b).get()
		if err := si.Revoke(t.Context(), s.ID()); err != nil {
			t.Fatal(err)
		}
		if got, err := session.Take(t.Context(), s, popItems); !errors.Is(err, session.ErrNotFound) || got != nil {
			t.Errorf("took %q, %v; want ErrNotFound", got, err)
		}
	})
}

// TestUpdateAll changes all sessions of a subject, and nobody else's.
func TestUpdateAll(t *testing.T) {
	si, a, b, other := newSite(t, nil), &browser{}, &browser{}, &browser{}
	si.visit(a, loggedIn)
	si.visit(b, loggedIn)
	si.visit(other, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
	held := si.begin(a)
	if err := held.get().Update(add("tea")); err != nil {
		t.Fatal(err)
	}
	n, err := si.UpdateAll(t.Context(), "alice", increment)
	if err != nil || n != 2 {
		t.Errorf("got %d, %v; want 2", n, err)
	}
	if _, err := held.respond(); err != nil {
		t.Error(err)
	}
	if got := si.data(a); got.N != 1 || len(got.Items) != 1 || si.data(b).N != 1 || si.data(other).N != 0 {
		t.Errorf("got %+v, %+v, %+v", got, si.data(b), si.data(other))
	}
	// One of them becomes another's in between.
	si.store.once("load", func() {
		si.visit(a, func(s *session.Session[cart]) error { return s.Login("carol", nil) })
		si.visit(b, func(s *session.Session[cart]) error { return s.Login("carol", nil) })
	})
	if n, err := si.UpdateAll(t.Context(), "alice", increment); err != nil || n != 0 || si.data(a).N != 0 {
		t.Errorf("got %d, %v and %+v; want no session of another subject changed", n, err, si.data(a))
	}
	for _, bad := range []error{errors.New("refused"), session.ErrNotFound} {
		if n, err := si.UpdateAll(t.Context(), "carol", func(*cart) error { return bad }); n != 0 || !errors.Is(err, bad) {
			t.Errorf("a function that returns %v: got %d, %v", bad, n, err)
		}
	}
	if _, err := si.UpdateAll(t.Context(), "", increment); err == nil {
		t.Error("no subject was accepted")
	}
	if _, err := si.UpdateAll(t.Context(), "carol", nil); err == nil {
		t.Error("no function was accepted")
	}
}

// An iterable store goes through its records. While it waits, between may act.
type iterable struct {
	*testStore
	fail  error
	stuck bool
}

func (s *iterable) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for _, r := range s.Records {
			if s.stuck {
				<-ctx.Done()
				yield(session.Record{}, ctx.Err())
				return
			}
			if ctx.Err() != nil {
				yield(session.Record{}, ctx.Err())
				return
			}
			if r.Data = bytes.Clone(r.Data); !yield(r, nil) {
				return
			}
		}
		if s.fail != nil {
			yield(session.Record{}, s.fail)
		}
	}
}

// TestAll goes through the live sessions of the realm.
func TestAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, nil)
		store := &iterable{testStore: si.store}
		m := program[cart](t, store, nil)
		admins := newSiteOn(t, si.store, &session.Options{Realm: "admin"})
		admins.visit(&browser{}, loggedIn)
		admins.visit(&browser{}, incremented)
		out, old := &browser{}, &browser{}
		si.visit(out, loggedIn)
		si.visit(out, func(s *session.Session[cart]) error { return s.Destroy() })
		si.store.Late = true
		si.visit(old, loggedIn)
		time.Sleep(time.Hour)
		si.visit(&browser{}, incremented)
		si.visit(&browser{}, loggedIn)
		var got []string
		for info, err := range m.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, info.Subject)
			time.Sleep(time.Minute) // the time of the caller is not that of the store
		}
		if slices.Sort(got); !slices.Equal(got, []string{"", "alice"}) {
			t.Errorf("got sessions of %q, want one of nobody and one of alice", got)
		}
		for range m.All(t.Context()) {
			break
		}
		store.fail = errDown
		var last error
		for _, err := range m.All(t.Context()) {
			last = err
		}
		if !errors.Is(last, session.ErrUnavailable) || !errors.Is(last, errDown) {
			t.Errorf("the iteration ends with %v, want ErrUnavailable", last)
		}
		store.stuck = true
		began := time.Now()
		for _, err := range m.All(t.Context()) {
			last = err
		}
		if !errors.Is(last, session.ErrUnavailable) || time.Since(began) != 3*time.Second {
			t.Errorf("a store that does not answer: got %v after %v, want ErrUnavailable after StoreTimeout", last, time.Since(began))
		}
	})
	t.Run("of a store that cannot", func(t *testing.T) {
		m := program[cart](t, struct{ session.Store }{newTestStore()}, nil)
		for _, err := range m.All(t.Context()) {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("got %v, want errors.ErrUnsupported", err)
			}
		}
	})
}

// TestPing finds a store that is not ready.
func TestPing(t *testing.T) {
	si := newSite(t, nil)
	if err := si.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	si.store.down()
	if err := si.Ping(t.Context()); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, errDown) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := si.Ping(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, session.ErrUnavailable) {
		t.Errorf("got %v, want the caller's cancellation", err)
	}
}
