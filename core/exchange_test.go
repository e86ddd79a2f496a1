package session_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 7: a failed write is never a success, and a store that is down is an
// error, never an anonymous session.
func TestFailedWriteIsNoSuccess(t *testing.T) {
	t.Run("down at load", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		si.store.down()
		r := si.begin(b)
		for range 2 {
			s, err := si.Get(r)
			if s != nil || !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, errDown) || session.HTTPStatus(err) != 503 {
				t.Errorf("got %v and %v, want ErrUnavailable alone", s, err)
			}
		}
		if got := si.store.took(); !slices.Equal(got, []string{"create", "load"}) {
			t.Errorf("the store got %v: one request asks a store that is down once", got)
		}
		if h, err := r.respond(); err != nil || !isFailure(h) {
			t.Errorf("got %+v, %v: want no cookie, and nothing for a cache, whatever page the handler answers with", h, err)
		}
	})
	for _, test := range []struct {
		name string
		act  func(*session.Session[cart]) error
	}{{"create", incremented}, {"update", incremented}, {"login", loggedIn}, {"renew", func(s *session.Session[cart]) error { return s.Renew() }}} {
		t.Run("down at "+test.name, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			if test.name != "create" {
				si.visit(b, add3)
			}
			was := b.cookie
			r := si.begin(b)
			s := r.get()
			if err := test.act(s); err != nil {
				t.Fatal(err)
			}
			si.store.down()
			h, err := r.respond()
			if !errors.Is(err, session.ErrUnavailable) || !isFailure(h) {
				t.Errorf("got %+v and %v, want ErrUnavailable alone", h, err)
			}
			if !si.saw(session.EventError) {
				t.Error("no event tells of the error")
			}
			si.store.hook(nil, nil)
			if r.Finish() != nil || b.cookie != was {
				t.Error("Finish wrote what Commit could not")
			}
			if err := s.Update(increment); !errors.Is(err, session.ErrHeadersSent) {
				t.Errorf("an Update after the failed commit got %v", err)
			}
			if n := si.data(b).N; n != 0 {
				t.Errorf("the counter is %d", n)
			}
		})
	}
}

// private is a header that keeps shared caches away, as of a stream for one
// user.
var private = session.Response{Header: http.Header{"Cache-Control": {"max-age=0, Private"}}}

func add3(s *session.Session[cart]) error { return s.Update(add("a", "b", "c")) }

// Law 8: the commit runs detached from the client, bounded by StoreTimeout.
func TestFinishedHandlerIsNotCancelled(t *testing.T) {
	t.Run("the client is gone", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, add3)
		ctx, leave := context.WithCancel(t.Context())
		x := new(session.Exchange)
		x.Begin(ctx, si, b.lines())
		s, err := si.Get(x)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Update(increment); err != nil {
			t.Fatal(err)
		}
		leave()
		if _, err := x.Commit(session.Response{}); err != nil {
			t.Error(err)
		}
		if si.data(b).N != 1 {
			t.Error("the change is lost")
		}
	})
	t.Run("the store hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &session.Options{StoreTimeout: 5 * time.Second}), &browser{}
			si.visit(b, add3)
			r := si.begin(b)
			if err := r.get().Update(increment); err != nil {
				t.Fatal(err)
			}
			si.store.hang = true
			start := time.Now()
			if _, err := r.respond(); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want ErrUnavailable and the deadline", err)
			}
			if took := time.Since(start); took != 5*time.Second {
				t.Errorf("took %v, want StoreTimeout", took)
			}
			start = time.Now()
			if _, err := si.Get(si.begin(b)); !errors.Is(err, session.ErrUnavailable) || time.Since(start) != 5*time.Second {
				t.Errorf("a load got %v after %v", err, time.Since(start))
			}
		})
	})
}

// A renewal and a touch that are both due do not take StoreTimeout each.
func TestCommitTakesStoreTimeoutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, &session.Options{RenewEvery: 10 * time.Minute}), &browser{}
		si.visit(b, loggedIn)
		time.Sleep(11 * time.Minute)
		r := si.begin(b)
		r.get()
		si.store.hang = true
		start := time.Now()
		if _, err := r.respond(); err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("got %v after %v, want StoreTimeout", err, time.Since(start))
		}
	})
}

// Law 9: a change after the header is saved when the handler ends, or refused.
func TestLateChangesDoNotVanish(t *testing.T) {
	t.Run("of an existing session", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, add3)
		r := si.begin(b)
		s := r.get()
		_, _ = r.respond()
		if err := s.Update(increment); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{"Login": s.Login("alice", nil), "Renew": s.Renew()} {
			if !errors.Is(err, session.ErrHeadersSent) {
				t.Errorf("%s got %v, want ErrHeadersSent", name, err)
			}
		}
		if err := r.Finish(); err != nil {
			t.Fatal(err)
		}
		if si.data(b).N != 1 {
			t.Error("the change is lost")
		}
		if err := s.Update(increment); !errors.Is(err, session.ErrHeadersSent) {
			t.Errorf("an Update after the request got %v, want ErrHeadersSent", err)
		}
		if err := s.Commit(t.Context()); !errors.Is(err, session.ErrHeadersSent) {
			t.Errorf("a Commit after the request got %v, want ErrHeadersSent", err)
		}
	})
	t.Run("of a session first asked for after the header", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, add3)
		r := si.begin(b)
		_, _ = r.Commit(private)
		if err := r.get().Update(increment); err != nil {
			t.Fatal(err)
		}
		if err := r.Finish(); err != nil || si.data(b).N != 1 {
			t.Errorf("the change is lost (%v)", err)
		}
	})
	t.Run("a use", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, add3)
			time.Sleep(10 * time.Minute)
			r := si.begin(b)
			_, _ = r.Commit(private)
			r.get()
			if err := r.Finish(); err != nil || !si.saw(session.EventTouched) {
				t.Errorf("the use of the session is not recorded (%v)", err)
			}
		})
	})
	for _, asked := range []string{"before", "after"} {
		t.Run("of a new session, asked for "+asked+" the header", func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			r := si.begin(b)
			if asked == "before" {
				r.get()
			}
			_, _ = r.Commit(private)
			s := r.get()
			for name, err := range map[string]error{"Update": s.Update(increment), "Login": s.Login("alice", nil), "Renew": s.Renew()} {
				if !errors.Is(err, session.ErrHeadersSent) {
					t.Errorf("%s got %v, want ErrHeadersSent", name, err)
				}
			}
			if r.Finish() != nil || si.store.count() != 0 {
				t.Error("stored, and no cookie leads to it")
			}
		})
	}
	t.Run("a logout", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, add3)
		r := si.begin(b)
		s := r.get()
		_, _ = r.respond()
		if err := s.Destroy(); err != nil {
			t.Fatal(err)
		}
		if r.Finish() != nil || si.store.count() != 0 {
			t.Error("the record is still there")
		}
	})
	t.Run("that fail", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, add3)
		r := si.begin(b)
		s := r.get()
		_, _ = r.respond()
		_ = s.Update(increment)
		si.store.down()
		if err := r.Finish(); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	})
}

// Law 10: a handler that panics commits nothing.
func TestPanicDiscards(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, add3)
	r := si.begin(b)
	s := r.get()
	_ = s.Update(increment)
	si.kinds()
	r.Discard()
	if _, err := r.Commit(session.Response{}); err != nil {
		t.Error(err)
	}
	if !si.saw(session.EventDiscarded) {
		t.Error("no event tells what was dropped")
	}
	if err := s.Update(increment); !errors.Is(err, session.ErrHeadersSent) {
		t.Errorf("got %v, want ErrHeadersSent", err)
	}
	if si.data(b).N != 0 {
		t.Error("the change was written")
	}
}

func TestGet(t *testing.T) {
	t.Run("without the middleware", func(t *testing.T) {
		si, other := newSite(t, nil), newSite(t, nil)
		for _, ctx := range []context.Context{t.Context(), other.begin(&browser{})} {
			if _, err := si.Get(ctx); !errors.Is(err, session.ErrNoSession) {
				t.Errorf("got %v, want ErrNoSession", err)
			}
		}
	})
	t.Run("of two managers", func(t *testing.T) {
		si, other := newSite(t, nil), newSite(t, &session.Options{Cookie: session.Cookie{Name: "__Host-other"}})
		outer := si.begin(&browser{})
		inner := new(session.Exchange)
		inner.Begin(outer, other, nil)
		a, err := si.Get(inner)
		b, err2 := other.Get(context.WithValue(inner, "k", "v")) //lint:ignore SA1029 any key will do
		if err != nil || err2 != nil || a.ID() == b.ID() {
			t.Errorf("got %v, %v", err, err2)
		}
	})
	t.Run("by many goroutines", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, add3)
		si.store.took()
		r := si.begin(b)
		first := r.get()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				s, err := si.Get(r)
				if err != nil || s != first {
					t.Errorf("got another handle, or %v", err)
					return
				}
				_, _, _ = s.Data(), s.ID(), s.ExpiresAt()
				if err := s.Update(increment); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if _, err := r.respond(); err != nil {
			t.Fatal(err)
		}
		if got := si.store.took(); !slices.Equal(got, []string{"load", "update"}) {
			t.Errorf("the store got %v", got)
		}
		if got := si.data(b).N; got != 20 {
			t.Errorf("got %d, want 20", got)
		}
	})
	t.Run("after the request", func(t *testing.T) {
		si := newSite(t, nil)
		r := si.begin(&browser{})
		_, _ = r.respond()
		_ = r.Finish()
		if _, err := si.Get(r); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("got %v, want ErrNoSession", err)
		}
	})
	t.Run("whose context is over asks again", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, add3)
		r := si.begin(b)
		ctx, cancel := context.WithCancel(r)
		cancel()
		if _, err := si.Get(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, session.ErrUnavailable) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		r.get()
	})
}

func TestCommit(t *testing.T) {
	t.Run("tells the outcome before the response", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		r := si.begin(b)
		s := r.get()
		_ = s.Update(increment)
		if err := s.Commit(t.Context()); err != nil || si.store.count() != 1 {
			t.Fatalf("not written (%v)", err)
		}
		si.store.took()
		if _, err := r.respond(); err != nil || b.cookie == "" {
			t.Errorf("cookie %q, %v", b.cookie, err)
		}
		if calls := si.store.took(); len(calls) > 0 {
			t.Errorf("written again: %v", calls)
		}
		if si.data(b).N != 1 {
			t.Error("not found again")
		}
	})
	t.Run("of a session that ended", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(b)
		s := r.get()
		_ = s.Update(increment)
		_ = si.Revoke(t.Context(), s.ID())
		if err := s.Commit(t.Context()); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
	t.Run("drops what it could not write", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, add3)
		r := si.begin(b)
		s := r.get()
		_ = s.Update(increment)
		si.store.down("update")
		if err := s.Commit(t.Context()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		si.store.hook(nil, nil)
		if s.Data().N != 0 {
			t.Error("the handle shows what is not stored")
		}
		if _, err := r.respond(); err != nil || si.data(b).N != 0 {
			t.Errorf("%v, counter %d", err, si.data(b).N)
		}
	})
	t.Run("heeds its deadline, not the client", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, add3)
			s := si.begin(b).get()
			_ = s.Update(increment)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			si.store.hang = true
			start := time.Now()
			if err := s.Commit(ctx); !errors.Is(err, session.ErrUnavailable) || time.Since(start) != time.Second {
				t.Errorf("got %v after %v", err, time.Since(start))
			}
			si.store.hang = false
			cancel()
			_ = s.Update(increment)
			gone, leave := context.WithCancel(t.Context())
			leave()
			if err := s.Commit(gone); err != nil {
				t.Errorf("got %v: that the client left must not matter", err)
			}
		})
	})
}
