package session_test

import (
	"errors"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

// Law 17: a token opens its session only through the cookie that it was issued
// for, and managers of different realms see nothing of each other at all.
func TestNothingCrosses(t *testing.T) {
	named := func(name string) session.Cookie { return session.Cookie{Name: name} }
	// renamed sends a cookie under another name.
	renamed := func(b *browser, name string) *browser { return &browser{cookie: name + "=" + b.token()} }

	t.Run("by the cookie of another manager", func(t *testing.T) {
		store := newTestStore()
		shop := newSiteOn(t, store, &session.Options{Cookie: named("__Host-shop")})
		admin := newSiteOn(t, store, &session.Options{Cookie: named("__Host-admin")})
		b := &browser{}
		shop.visit(b, func(s *session.Session[cart]) error { return s.Login("1", nil) })
		admin.visit(renamed(b, "__Host-admin"), func(s *session.Session[cart]) error {
			if !s.IsNew() || s.Subject() != "" {
				t.Errorf("the shop's customer is %q of the admins", s.Subject())
			}
			return nil
		})
		// Within a realm they share a subject's sessions, and a worker may revoke.
		worker := newSiteOn(t, store, nil)
		if list, err := worker.List(t.Context(), "1"); err != nil || len(list) != 1 {
			t.Fatalf("a worker of the realm lists %d sessions (%v), want 1", len(list), err)
		} else if err := worker.Revoke(t.Context(), list[0].ID); err != nil {
			t.Fatal(err)
		}
		if live(shop) != 0 {
			t.Error("a worker without cookie options cannot revoke")
		}
	})

	t.Run("to another realm", func(t *testing.T) {
		store := newTestStore()
		shop := newSiteOn(t, store, &session.Options{Realm: "shop"})
		admin := newSiteOn(t, store, &session.Options{Realm: "admin"})
		nobody := newSiteOn(t, store, nil)
		b := &browser{}
		shop.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("1", nil), s.Update(increment)) })
		var id session.ID
		shop.visit(b, func(s *session.Session[cart]) error { id = s.ID(); return nil })
		for name, other := range map[string]*site{"admin": admin, "": nobody} {
			other.visit(&browser{cookie: b.cookie}, func(s *session.Session[cart]) error {
				if !s.IsNew() || s.ID() == id {
					t.Errorf("realm %q: the token opens the session", name)
				}
				return nil
			})
			for _, subject := range []string{"1", "shop"} {
				if list, err := other.List(t.Context(), subject); err != nil || len(list) != 0 {
					t.Errorf("realm %q lists %d sessions of %q (%v)", name, len(list), subject, err)
				}
				if n, err := other.RevokeAll(t.Context(), subject); err != nil || n != 0 {
					t.Errorf("realm %q revokes %d sessions of %q (%v)", name, n, subject, err)
				}
			}
			if err := other.Revoke(t.Context(), id); err != nil {
				t.Error(err)
			}
			if _, err := other.Find(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("realm %q finds the session (%v)", name, err)
			}
			if err := other.Update(t.Context(), id, increment); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("realm %q changes the session (%v)", name, err)
			}
			for _, e := range other.events {
				if e.Subject != "" && e.Count == 0 {
					t.Errorf("realm %q is told of %q in %+v", name, e.Subject, e)
				}
			}
		}
		if list, err := shop.List(t.Context(), "1"); err != nil || len(list) != 1 || list[0].Subject != "1" || list[0].Data.N != 1 {
			t.Errorf("the realm itself has %+v (%v)", list, err)
		}
		for _, r := range store.Records {
			if r.Subject != "shop\x1f1" {
				t.Errorf("the store shows the owner %q", r.Subject)
			}
		}
	})

	t.Run("by odd names", func(t *testing.T) {
		si := newSite(t, &session.Options{Realm: "shop"})
		b := &browser{}
		si.visit(b, func(s *session.Session[cart]) error {
			for _, bad := range []string{"", "a\x1fb", "a\x00b", "\xff", strings.Repeat("x", 251)} {
				if err := s.Login(bad, nil); err == nil {
					t.Errorf("Login(%q) succeeded", bad)
				}
				if _, err := si.List(t.Context(), bad); err == nil {
					t.Errorf("List(%q) succeeded", bad)
				}
			}
			return s.Login(strings.Repeat("x", 250), nil)
		})
		for _, bad := range []string{"a\x1fb", "a\x00b", "\xff", strings.Repeat("x", 65)} {
			if _, err := session.New[cart](si.store, &session.Options{Realm: bad}); err == nil {
				t.Errorf("a manager of the realm %q", bad)
			}
		}
	})

	t.Run("where two managers read one cookie", func(t *testing.T) {
		former := session.Cookie{Name: "__Host-new", Former: []session.Cookie{{}}}
		for name, opts := range map[string][2]*session.Options{
			"of one name":             {nil, nil},
			"of one name, two realms": {{Realm: "a"}, {Realm: "b"}},
			"a former one inside":     {nil, {Cookie: former}},
			"a former one outside":    {{Cookie: former}, nil},
		} {
			outer, inner := newSite(t, opts[0]), newSite(t, opts[1])
			r := outer.begin(&browser{})
			x := new(session.Exchange)
			if !x.Begin(r, inner, nil) {
				t.Fatal("nested")
			}
			_, err := inner.Get(x)
			if err == nil || !strings.Contains(err.Error(), "Options.Cookie.Name") || session.HTTPStatus(err) != 500 {
				t.Errorf("%s: got %v, want an error that says what to do", name, err)
			}
			if _, err := outer.Get(x); err != nil {
				t.Errorf("%s: the outer one: %v", name, err)
			}
		}
	})
}
