package session_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 2: no write of any kind brings back a session that ended; a change in
// flight is dropped, as if it had come first, and reported.
func TestLogoutWins(t *testing.T) {
	logout := func(s *session.Session[cart]) error { return s.Destroy() }
	ends := []struct {
		name string
		end  func(si *site, b browser, id session.ID)
	}{
		{"destroyed", func(si *site, b browser, _ session.ID) { si.visit(&b, logout) }},
		{"revoked", func(si *site, _ browser, id session.ID) { _ = si.Revoke(si.t.Context(), id) }},
		{"all revoked", func(si *site, _ browser, _ session.ID) { _, _ = si.RevokeAll(si.t.Context(), "alice") }},
		{"expired", func(*site, browser, session.ID) { time.Sleep(time.Hour) }},
	}
	writes := []struct {
		name  string
		write func(*session.Session[cart]) error
	}{
		{"update", incremented},
		{"renew", func(s *session.Session[cart]) error { return s.Renew() }},
		{"destroy", logout},
		{"touch", look},
	}
	for _, end := range ends {
		for _, write := range writes {
			t.Run(end.name+" before "+write.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					si, b := newSite(t, nil), &browser{}
					si.visit(b, loggedIn)
					time.Sleep(2 * time.Minute) // so that a touch is due
					r := si.begin(b)
					s := r.get()
					if err := write.write(s); err != nil {
						t.Fatal(err)
					}
					end.end(si, *b, s.ID())
					si.kinds()
					h, err := r.respond()
					changes := write.name == "update" || write.name == "renew"
					if late := end.name == "expired" && changes; late { // law 18
						if !errors.Is(err, session.ErrNotFound) || session.HTTPStatus(err) != 409 || cookieOf(h) != "" {
							t.Errorf("got %v and %q, want ErrNotFound alone: the change came too late", err, cookieOf(h))
						}
						return
					}
					if err != nil {
						t.Errorf("got %v, want no error: the change came before the end", err)
					}
					if write.name != "destroy" && cookieOf(h) != "" {
						t.Errorf("the response sets %q", cookieOf(h))
					}
					if n := live(si); n != 0 {
						t.Errorf("%d sessions live, want none", n)
					}
					if si.saw(session.EventDiscarded) != changes {
						t.Errorf("an event tells of a dropped change: got %v, want %v", !changes, changes)
					}
					if write.name == "update" {
						if err := s.Update(increment); !errors.Is(err, session.ErrNotFound) {
							t.Errorf("a later Update got %v, want ErrNotFound", err)
						}
					}
				})
			})
		}
	}

	t.Run("while the creation is repeated", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		r := si.begin(b)
		s := r.get()
		if err := s.Login("alice", nil); err != nil {
			t.Fatal(err)
		}
		id := s.ID()
		si.store.hook(nil, func(method string, id session.ID) error {
			if method == "create" { // done, then revoked, and the reply is lost
				si.store.hook(nil, nil)
				_ = si.Revoke(t.Context(), id)
				return errDown
			}
			return nil
		})
		if _, err := r.respond(); err != nil {
			t.Error(err)
		}
		if _, err := si.store.Live(id); err == nil || s.ID() == id {
			t.Error("the revoked session is back")
		}
	})

	t.Run("what was changed before a login that goes on is reported", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		r := si.begin(b)
		s := r.get()
		if err := errors.Join(s.Update(add("dropped")), s.Login("alice", nil), s.Update(add("kept"))); err != nil {
			t.Fatal(err)
		}
		_ = si.Revoke(t.Context(), s.ID())
		si.kinds()
		if _, err := r.respond(); err != nil {
			t.Error(err)
		}
		if !si.saw(session.EventDiscarded) {
			t.Error("no event tells of the dropped change")
		}
		if got := si.data(b).Items; len(got) != 1 || got[0] != "kept" {
			t.Errorf("got %q", got)
		}
	})

	t.Run("while the write is repeated", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(b)
		s := r.get()
		if err := s.Update(increment); err != nil {
			t.Fatal(err)
		}
		si.store.hook(nil, func(method string, id session.ID) error {
			if method == "update" { // done, then revoked, and the reply is lost
				si.store.hook(nil, nil)
				_ = si.Revoke(t.Context(), id)
				return errDown
			}
			return nil
		})
		// Others may have read the change before the end: unknown is unknown (law 1).
		if _, err := r.respond(); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		if n := live(si); n != 0 {
			t.Errorf("%d sessions live, want none", n)
		}
	})
}

// live counts the sessions that a Load would find.
func live(si *site) (n int) {
	si.store.Mu.Lock()
	defer si.store.Mu.Unlock()
	for id := range si.store.Records {
		if r, err := si.store.Live(id); err == nil && !session.IsTombstone(r) {
			n++
		}
	}
	return n
}

func TestDestroy(t *testing.T) {
	t.Run("deletes the record and removes the cookie", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		h := si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
		if si.store.count() != 0 || b.cookie != "" || h.CacheControl != "no-store" {
			t.Errorf("records %d, cookie %q, Cache-Control %q", si.store.count(), b.cookie, h.CacheControl)
		}
	})

	t.Run("of a session that the browser has not seen yet", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		h := si.visit(b, func(s *session.Session[cart]) error {
			return errors.Join(s.Login("alice", nil), s.Commit(t.Context()), s.Destroy())
		})
		if si.store.count() != 0 || cookieOf(h) != "" {
			t.Errorf("%d records; the response sets %q, and there is nothing to remove", si.store.count(), cookieOf(h))
		}
	})

	t.Run("leaves alone the cookie of a session that others ended", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		late := *b
		r := si.begin(&late)
		if err := r.get().Destroy(); err != nil {
			t.Fatal(err)
		}
		si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
		si.visit(b, loggedIn)
		if h, err := r.respond(); err != nil || cookieOf(h) != "" {
			t.Errorf("got %v and %q, over the cookie of a login that came after", err, cookieOf(h))
		}
	})

	t.Run("of a straggler, then a login", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		late := *b
		r := si.begin(&late)
		s := r.get()
		if err := errors.Join(s.Destroy(), s.Login("bob", nil)); err != nil {
			t.Fatal(err)
		}
		si.visit(b, loggedIn)
		if _, err := r.respond(); err != nil {
			t.Fatal(err)
		}
		for subject, b := range map[string]*browser{"alice": b, "bob": &late} {
			si.visit(b, func(s *session.Session[cart]) error {
				if s.Subject() != subject {
					t.Errorf("got %q, want %q", s.Subject(), subject)
				}
				return nil
			})
		}
	})

	t.Run("when the deletion fails after it", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.store.Late = true // even on a store that forgets nothing
		si.visit(b, loggedIn)
		old := *b
		si.store.down("delete")
		si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
		si.store.hook(nil, nil)
		si.visit(&old, func(s *session.Session[cart]) error {
			if !s.IsNew() {
				t.Error("the session is back")
			}
			return nil
		})
	})

	t.Run("leaves a new, empty session", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		si.visit(b, incremented)
		was := b.token()
		si.visit(b, func(s *session.Session[cart]) error {
			old := s.ID()
			if err := s.Destroy(); err != nil {
				return err
			}
			if !s.IsNew() || s.ID() == old || s.Subject() != "" || s.Data().N != 0 || !s.AuthenticatedAt().IsZero() {
				t.Errorf("after Destroy: new %v, subject %q, data %+v", s.IsNew(), s.Subject(), s.Data())
			}
			return s.Update(add("goodbye"))
		})
		if got := si.data(b); b.token() == was || got.N != 0 || len(got.Items) != 1 || si.store.count() != 1 {
			t.Errorf("got %+v and %d records", got, si.store.count())
		}
	})

	t.Run("wins over changes of others", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(b)
		if err := r.get().Destroy(); err != nil {
			t.Fatal(err)
		}
		si.visit(b, incremented)
		if _, err := r.respond(); err != nil || si.store.count() != 0 || b.cookie != "" {
			t.Errorf("error %v, %d records, cookie %q", err, si.store.count(), b.cookie)
		}
	})

	t.Run("wins over a renewal that nobody asked for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, &session.Options{RenewEvery: 10 * time.Minute}), &browser{}
			si.visit(b, loggedIn)
			r := si.begin(b)
			if err := r.get().Destroy(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(11 * time.Minute)
			si.visit(b, look)
			if _, err := r.respond(); err != nil || si.store.count() != 0 {
				t.Errorf("error %v, %d records", err, si.store.count())
			}
		})
	})

	t.Run("of a straggler does not undo a login", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		r := si.begin(b)
		s := r.get()
		if err := s.Destroy(); err != nil {
			t.Fatal(err)
		}
		si.visit(b, loggedIn)
		if err := s.Commit(t.Context()); !errors.Is(err, session.ErrSuperseded) {
			t.Errorf("Commit: got %v, want ErrSuperseded", err)
		}
		if h, _ := r.respond(); cookieOf(h) != "" {
			t.Errorf("the response sets %q over the new cookie", cookieOf(h))
		}
		si.visit(b, func(s *session.Session[cart]) error {
			if s.Subject() != "alice" {
				t.Errorf("subject %q: the login is undone", s.Subject())
			}
			return nil
		})
	})

	for _, lost := range []string{"before", "after"} {
		t.Run("when the store fails once "+lost, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			once := func(method string, _ session.ID) error {
				if method == "update" {
					si.store.hook(nil, nil)
					return errDown
				}
				return nil
			}
			if lost == "before" {
				si.store.hook(once, nil)
			} else {
				si.store.hook(nil, once)
			}
			si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
			if si.store.count() != 0 || b.cookie != "" {
				t.Errorf("%d records, cookie %q", si.store.count(), b.cookie)
			}
		})
	}

	t.Run("wins on a busy session", func(t *testing.T) {
		for range 20 { // the back-off is random
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, nil), &browser{}
				si.visit(b, loggedIn)
				si.store.hook(func(string, session.ID) error { time.Sleep(time.Millisecond); return nil }, nil)
				r, busy := si.begin(b), *b
				if err := r.get().Destroy(); err != nil {
					t.Fatal(err)
				}
				stop := make(chan struct{})
				for range 3 {
					go func() {
						for {
							select {
							case <-stop:
								return
							default:
							}
							x := si.begin(&busy)
							s, err := si.Get(x)
							if err != nil || s.IsNew() {
								return
							}
							_ = s.Update(increment)
							_, _ = x.Commit(session.Response{})
						}
					}()
				}
				_, err := r.Commit(session.Response{})
				close(stop)
				time.Sleep(5 * time.Second) // the others end
				if err != nil || live(si) != 0 {
					t.Errorf("got %v and %d live sessions", err, live(si))
				}
			})
		}
	})

	t.Run("is no success on a store that only reads", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(b)
		if err := r.get().Destroy(); err != nil {
			t.Fatal(err)
		}
		si.store.took()
		si.store.down("update", "delete")
		h, err := r.respond()
		if !errors.Is(err, session.ErrUnavailable) || !isFailure(h) {
			t.Errorf("got %+v and %v, want ErrUnavailable alone", h, err)
		}
		if got := si.store.took(); !slices.Equal(got, []string{"update", "load", "update", "load", "update"}) {
			t.Errorf("the store got %v: one more try is enough, and one to remove", got)
		}
	})

	t.Run("needs no room in the store", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		si.store.full = true
		si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
		if live(si) != 0 || b.cookie != "" {
			t.Errorf("%d sessions, cookie %q: a full store keeps nobody logged in", live(si), b.cookie)
		}
	})

	t.Run("is no success when others are always faster", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, loggedIn)
			r := si.begin(b)
			if err := r.get().Destroy(); err != nil {
				t.Fatal(err)
			}
			si.store.hook(func(method string, _ session.ID) error {
				if method == "update" {
					return session.ErrConflict
				}
				return nil
			}, nil)
			start := time.Now()
			if _, err := r.respond(); !errors.Is(err, session.ErrConflict) {
				t.Errorf("got %v, want ErrConflict", err)
			}
			if took := time.Since(start); took < 3*time.Second || took > 4*time.Second {
				t.Errorf("gave up after %v, want about StoreTimeout, 3s", took)
			}
		})
	})

	t.Run("is no success while the store is down", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		r := si.begin(b)
		if err := r.get().Destroy(); err != nil {
			t.Fatal(err)
		}
		si.store.down()
		h, err := r.respond()
		if !errors.Is(err, session.ErrUnavailable) || !isFailure(h) {
			t.Errorf("got %+v and %v, want ErrUnavailable alone", h, err)
		}
	})
}
