package session_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

func TestListAndRevoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, nil)
		ctx := t.Context()
		browsers := make([]*browser, 3)
		var ids []session.ID
		for i := range browsers {
			browsers[i] = &browser{}
			si.visit(browsers[i], func(s *session.Session[cart]) error {
				ids = append(ids, s.ID())
				return errors.Join(s.Login("alice", nil), s.Update(func(c *cart) error { c.N = i; return nil }))
			})
			time.Sleep(time.Minute)
		}
		si.visit(&browser{}, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
		si.visit(&browser{}, incremented)

		list, err := si.List(ctx, "alice")
		if err != nil || len(list) != 3 {
			t.Fatalf("got %d sessions, %v; want 3", len(list), err)
		}
		for i, info := range list {
			at := time.Now().Add(time.Duration(-1-i) * time.Minute)
			if info.ID != ids[2-i] || info.Subject != "alice" || info.Data.N != 2-i ||
				!info.CreatedAt.Equal(at) || !info.AuthenticatedAt.Equal(at) || !info.ExpiresAt.Equal(at.Add(time.Hour)) {
				t.Errorf("%d: got %+v", i, info)
			}
		}

		if err := errors.Join(si.Revoke(ctx, ids[0]), si.Revoke(ctx, ids[0])); err != nil {
			t.Error(err)
		}
		if n, err := si.RevokeAll(ctx, "alice", ids[2]); n != 1 || err != nil {
			t.Errorf("revoked %d, %v; want the one that is left but the exception", n, err)
		}
		for i, b := range browsers {
			si.visit(b, func(s *session.Session[cart]) error {
				if alive := s.Subject() == "alice"; alive != (i == 2) {
					t.Errorf("session %d lives: %v", i, alive)
				}
				return nil
			})
		}
		if list, err := si.List(ctx, "bob"); len(list) != 1 || err != nil {
			t.Errorf("bob has %d sessions, %v", len(list), err)
		}

		si.store.took()
		for name, err := range map[string]error{
			"List of an empty subject":      second(si.List(ctx, "")),
			"RevokeAll of an empty subject": second(si.RevokeAll(ctx, "")),
			"Revoke of the zero ID":         si.Revoke(ctx, session.ID{}),
			"Modify of the zero ID":         si.Update(ctx, session.ID{}, increment),
		} {
			if err == nil || errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if calls := si.store.took(); len(calls) > 0 {
			t.Errorf("the store got %v", calls)
		}
		si.kinds()
		si.store.down()
		for name, err := range map[string]error{
			"List":      second(si.List(ctx, "bob")),
			"RevokeAll": second(si.RevokeAll(ctx, "bob")),
			"Revoke":    si.Revoke(ctx, ids[2]),
			"Modify":    si.Update(ctx, ids[2], increment),
		} {
			if !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("%s while the store is down: got %v, want ErrUnavailable", name, err)
			}
		}
		errorEvent := session.EventError
		if got := si.kinds(); !slices.Equal(got, []session.EventKind{errorEvent, errorEvent, errorEvent, errorEvent}) {
			t.Errorf("got the events %v, want one for each error", got)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestListLeavesOutWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		si := newSite(t, nil)
		si.store.Late = true
		si.visit(&browser{}, loggedIn)
		time.Sleep(time.Hour)
		if list, err := si.List(t.Context(), "alice"); len(list) != 0 || err != nil {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

func TestListShowsWhatCannotBeDecoded(t *testing.T) {
	si := newSite(t, nil)
	si.visit(&browser{}, loggedIn)
	si.visit(&browser{}, func(s *session.Session[cart]) error { return errors.Join(s.Login("alice", nil), s.Update(add("x"))) })
	type other struct{ Items int }
	list, err := program[other](t, si.store, nil).List(t.Context(), "alice")
	if !errors.Is(err, session.ErrUndecodable) || len(list) != 2 || list[0].ID.IsZero() || list[0].CreatedAt.IsZero() {
		t.Errorf("got %+v, %v; want both sessions and ErrUndecodable", list, err)
	}
}

// TestFind: whether a session is alive can be asked by its ID, which is no use.
func TestFind(t *testing.T) {
	start := func(t *testing.T) (*site, *browser, session.ID) {
		si, b := newSite(t, nil), &browser{}
		var id session.ID
		si.visit(b, func(s *session.Session[cart]) error {
			id = s.ID()
			return errors.Join(s.Login("alice", nil), s.Update(increment))
		})
		return si, b, id
	}
	t.Run("is no use", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, _, id := start(t)
			began := time.Now()
			time.Sleep(59 * time.Minute)
			si.store.took()
			info, err := si.Find(t.Context(), id)
			if err != nil || info.ID != id || info.Subject != "alice" || info.Data.N != 1 || !info.LastUsedAt.Equal(began) || !info.ExpiresAt.Equal(began.Add(time.Hour)) {
				t.Errorf("got %+v, %v", info, err)
			}
			if got := si.store.took(); !slices.Equal(got, []string{"load"}) {
				t.Errorf("got the store calls %v, want one load", got)
			}
			si.store.Late = true
			time.Sleep(time.Minute)
			if _, err := si.Find(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("after IdleTimeout: got %v, want ErrNotFound", err)
			}
		})
	})
	for name, end := range map[string]func(si *site, b *browser, id session.ID){
		"Destroy": func(si *site, b *browser, _ session.ID) { si.visit(b, (*session.Session[cart]).Destroy) },
		"Revoke": func(si *site, _ *browser, id session.ID) {
			if err := si.Revoke(si.t.Context(), id); err != nil {
				si.t.Error(err)
			}
		},
	} {
		t.Run("after "+name, func(t *testing.T) {
			si, b, id := start(t)
			end(si, b, id)
			if info, err := si.Find(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("got %+v, %v; want ErrNotFound", info, err)
			}
		})
	}
	t.Run("without an answer", func(t *testing.T) {
		si, _, id := start(t)
		type other struct{ N []string }
		info, err := program[other](t, si.store, nil).Find(t.Context(), id)
		if !errors.Is(err, session.ErrUndecodable) || info.ID != id || info.Subject != "alice" {
			t.Errorf("got %+v, %v; want the session without its data, and ErrUndecodable", info, err)
		}
		si.store.down()
		if _, err := si.Find(t.Context(), id); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("an outage: got %v, want ErrUnavailable", err)
		}
	})
}

func TestJobUpdate(t *testing.T) {
	modify := func(si *site, id session.ID) error { return si.Update(si.t.Context(), id, increment) }
	start := func(t *testing.T) (*site, *browser, session.ID) {
		si, b := newSite(t, nil), &browser{}
		var id session.ID
		si.visit(b, func(s *session.Session[cart]) error { id = s.ID(); return s.Login("alice", nil) })
		return si, b, id
	}
	t.Run("changes data alone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b, id := start(t)
			was := si.store.Records[id]
			time.Sleep(10 * time.Minute)
			if err := modify(si, id); err != nil {
				t.Fatal(err)
			}
			if is := si.store.Records[id]; !is.ExpiresAt.Equal(was.ExpiresAt) || is.Subject != "alice" || is.Version != was.Version+1 {
				t.Errorf("got %+v, want all but the data as in %+v", is, was)
			}
			if got := si.data(b).N; got != 1 {
				t.Errorf("got %d, want 1: the visitor's secret still opens the session", got)
			}
		})
	})
	t.Run("loses to nobody", func(t *testing.T) {
		si, b, id := start(t)
		si.store.once("update", func() { si.visit(b, incremented) })
		if err := modify(si, id); err != nil || si.data(b).N != 2 {
			t.Errorf("%v, counter %d, want 2", err, si.data(b).N)
		}
		r := si.begin(b)
		_ = r.get().Update(increment)
		_ = modify(si, id)
		if _, err := r.respond(); err != nil || si.data(b).N != 4 {
			t.Errorf("%v, counter %d, want 4", err, si.data(b).N)
		}
	})
	t.Run("keeps to a session that is renewed meanwhile", func(t *testing.T) {
		si, b, id := start(t)
		si.store.once("update", func() { si.visit(b, func(s *session.Session[cart]) error { return s.Renew() }) })
		if err := modify(si, id); err != nil || si.data(b).N != 1 {
			t.Errorf("%v, counter %d, want 1", err, si.data(b).N)
		}
	})
	t.Run("tells errors", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b, id := start(t)
			errNo := errors.New("no")
			if err := si.Update(t.Context(), id, func(*cart) error { return errNo }); err != errNo {
				t.Errorf("got %v, want the function's own", err)
			}
			if err := modify(si, session.NewID()); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("no such session: got %v", err)
			}
			si.store.once("update", func() { si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() }) })
			if err := modify(si, id); !errors.Is(err, session.ErrNotFound) || si.store.count() != 0 {
				t.Errorf("ended meanwhile: got %v and %d records", err, si.store.count())
			}
			si, _, id = start(t)
			si.store.Late = true
			time.Sleep(time.Hour)
			if err := modify(si, id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("expired: got %v", err)
			}
		})
	})
	t.Run("writes nothing for no change", func(t *testing.T) {
		si, _, id := start(t)
		si.store.took()
		err := si.Update(t.Context(), id, func(*cart) error { return nil })
		if got := si.store.took(); err != nil || !slices.Equal(got, []string{"load"}) {
			t.Errorf("%v, the store got %v", err, got)
		}
	})
}
