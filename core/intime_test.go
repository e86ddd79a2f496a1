package session_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 18: a request that asked for its session in time can change it in time.
func TestInTimeIsInTime(t *testing.T) {
	// late returns a request that loads its session 5 minutes before its end.
	late := func(t *testing.T) (*site, *browser, *request) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		time.Sleep(55 * time.Minute)
		si.store.took()
		r := si.begin(b)
		r.get()
		return si, b, r
	}
	t.Run("a change by a request that began shortly before the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b, r := late(t)
			if got := si.store.took(); !slices.Equal(got, []string{"load", "touch"}) {
				t.Errorf("the store got %v, want the use recorded at the load", got)
			}
			time.Sleep(30 * time.Minute)
			if err := r.get().Update(increment); err != nil {
				t.Fatal(err)
			}
			if _, err := r.respond(); err != nil || si.data(b).N != 1 {
				t.Errorf("the change is lost (%v)", err)
			}
		})
	})
	t.Run("a reader of that length ends nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b, r := late(t)
			time.Sleep(10 * time.Minute)
			if _, err := r.respond(); err != nil {
				t.Error(err)
			}
			si.visit(b, func(s *session.Session[cart]) error {
				if s.Subject() != "alice" {
					t.Error("logged out")
				}
				return nil
			})
		})
	})
	t.Run("only where the session could run out under the request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			time.Sleep(30 * time.Minute)
			si.store.took()
			si.begin(b).get()
			if got := si.store.took(); !slices.Equal(got, []string{"load"}) {
				t.Errorf("half of IdleTimeout is left, and the store got %v", got)
			}
		})
	})
	for _, end := range []string{"idle", "lifetime"} {
		t.Run("a change that comes too late, "+end, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := &session.Options{}
				if end == "lifetime" {
					opts.Lifetime = time.Hour
				}
				si, b := newSite(t, opts), &browser{}
				si.visit(b, loggedIn)
				r := si.begin(b)
				if err := r.get().Update(increment); err != nil {
					t.Fatal(err)
				}
				if end == "lifetime" {
					time.Sleep(30 * time.Minute)
					si.visit(b, look) // which is a use
					time.Sleep(30 * time.Minute)
				} else {
					time.Sleep(time.Hour)
				}
				h, err := r.respond()
				if !errors.Is(err, session.ErrNotFound) || session.HTTPStatus(err) != 409 || cookieOf(h) != "" {
					t.Errorf("got %v, status %d and the cookie %q, want an error", err, session.HTTPStatus(err), cookieOf(h))
				}
				if !si.saw(session.EventError) {
					t.Error("no event tells of it")
				}
			})
		})
	}
	for _, act := range []struct {
		name string
		do   func(*session.Session[cart]) error
		left int // of what was in the cart
	}{
		{"a change", incremented, 2},
		{"a logout", func(s *session.Session[cart]) error { return s.Destroy() }, 0},
	} {
		t.Run(act.name+" by a request that began before time renewed the secret", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, &session.Options{RenewEvery: 10 * time.Minute}), &browser{}
				si.visit(b, incremented)
				time.Sleep(11 * time.Minute)
				slow, other := *b, b
				r := si.begin(&slow)
				s := r.get()
				si.visit(other, look) // is given a new secret
				si.visit(other, look) // uses it
				time.Sleep(2 * time.Minute)
				if err := act.do(s); err != nil {
					t.Fatal(err)
				}
				if _, err := r.respond(); err != nil {
					t.Error(err)
				}
				if n := si.data(other).N; n != act.left {
					t.Errorf("the session has %d, want %d", n, act.left)
				}
			})
		})
	}
	t.Run("a login that is stored after Lifetime brings nothing back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &session.Options{Lifetime: time.Hour}), &browser{}
			si.visit(b, incremented)
			time.Sleep(55 * time.Minute)
			r := si.begin(b)
			s := r.get()
			id := s.ID()
			if err := s.Login("alice", nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			other := *b
			if si.data(&other).N != 0 {
				t.Error("the session outlives its Lifetime")
			}
			if _, err := r.respond(); err != nil {
				t.Fatal(err)
			}
			if s.ID() == id {
				t.Error("the login brought back the session that had ended")
			}
			si.visit(b, func(s *session.Session[cart]) error {
				if s.Subject() != "alice" || s.Data().N != 0 {
					t.Errorf("the login is of %q, with %+v", s.Subject(), s.Data())
				}
				return nil
			})
		})
	})
	t.Run("Touch keeps a session alive, also after the response", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			r := si.begin(b)
			s := r.get()
			_, _ = r.respond()
			for range 5 {
				time.Sleep(50 * time.Minute)
				if err := s.Touch(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Update(increment); err != nil {
				t.Fatal(err)
			}
			if err := r.Finish(); err != nil || si.data(b).N != 1 {
				t.Errorf("the change is lost (%v)", err)
			}
			if err := s.Touch(t.Context()); err != nil {
				t.Errorf("after the request: %v", err)
			}
			si.visit(b, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
			if err := s.Touch(t.Context()); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("of another login: got %v, want ErrNotFound", err)
			}
		})
	})
	t.Run("Touch revives nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			s := si.begin(b).get()
			old := *b
			si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
			if err := s.Touch(t.Context()); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("after a logout: got %v, want ErrNotFound", err)
			}
			si.visit(&old, look)
			if live(si) != 0 {
				t.Error("the session is back")
			}
			si.store.down()
			if err := s.Touch(t.Context()); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("while the store is down: got %v, want ErrUnavailable", err)
			}
		})
	})
	t.Run("what a store cannot keep is refused", func(t *testing.T) {
		const years = 365 * 24 * time.Hour
		for _, opts := range []*session.Options{
			{IdleTimeout: 292 * years, Lifetime: 292 * years}, {Lifetime: 101 * years}, {StragglerWindow: 101 * years},
		} {
			if _, err := session.New[cart](newTestStore(), opts); err == nil {
				t.Errorf("New accepts %+v", *opts)
			}
		}
	})
}

// Law 18: a job does not take back the use that a request records after the job
// has read the session.
func TestJobTakesBackNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		id := si.begin(b).get().ID()
		time.Sleep(55 * time.Minute)
		var s *session.Session[cart]
		r := si.begin(b)
		si.store.once("update", func() { s = r.get() }) // its use is recorded at the load
		if err := si.Update(t.Context(), id, increment); err != nil {
			t.Fatal(err)
		}
		if got, want := si.store.Records[id].ExpiresAt, time.Now().Add(time.Hour); !got.Equal(want) {
			t.Errorf("after the job the session expires at %v, want %v", got, want)
		}
		time.Sleep(10 * time.Minute)
		if err := s.Update(increment); err != nil {
			t.Fatal(err)
		}
		_, err := r.respond()
		if got := si.data(b).N; got != 2 {
			t.Errorf("the commit says %v, and N is %d, want 2: the request had half of IdleTimeout", err, got)
		}
	})
}
