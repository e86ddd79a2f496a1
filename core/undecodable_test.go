package session_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

// TestUndecodable: a visitor whose data this program cannot read can log out, and
// log in.
func TestUndecodable(t *testing.T) {
	type other struct{ N []string } // cannot read the N of a cart
	setup := func(t *testing.T) (si *site, b *browser, id session.ID, m *session.Manager[other]) {
		si, b = newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error {
			id = s.ID()
			return errors.Join(s.Login("alice", nil), s.Update(increment))
		})
		return si, b, id, program[other](t, si.store, nil)
	}
	visit := func(t *testing.T, b *browser, m *session.Manager[other], act func(*session.Session[other]) error) {
		t.Helper()
		x := new(session.Exchange)
		x.Begin(t.Context(), m, b.lines())
		for range 2 { // the second call is told the same
			s, err := m.Get(x)
			if !errors.Is(err, session.ErrUndecodable) || s == nil {
				t.Fatalf("got %v and the handle %v", err, s)
			}
		}
		s, _ := m.Get(x)
		if err := act(s); err != nil {
			t.Error(err)
		}
		h, err := x.Commit(session.Response{})
		if err := errors.Join(err, x.Finish()); err != nil {
			t.Error(err)
		}
		b.receive(t, h)
	}
	t.Run("is named, and not changed", func(t *testing.T) {
		si, b, id, m := setup(t)
		si.store.took()
		visit(t, b, m, func(s *session.Session[other]) error {
			if s.ID() != id || s.Subject() != "alice" || s.IsNew() || s.Data().N != nil {
				t.Errorf("got %v of %q with %+v", s.ID(), s.Subject(), s.Data())
			}
			for what, err := range map[string]error{
				"Update": s.Update(func(d *other) error { d.N = []string{"x"}; return nil }),
				"Renew":  s.Renew(),
			} {
				if !errors.Is(err, session.ErrUndecodable) {
					t.Errorf("%s: got %v, want ErrUndecodable", what, err)
				}
			}
			if _, err := m.Peek(m.NewContext(t.Context(), session.Info[other]{})); err != nil {
				t.Error(err)
			}
			return nil
		})
		if si.data(b).N != 1 || si.subject(b) != "alice" {
			t.Error("the session was changed")
		}
	})
	t.Run("logout", func(t *testing.T) {
		si, b, _, m := setup(t)
		visit(t, b, m, func(s *session.Session[other]) error { return s.Destroy() })
		if b.cookie != "" || si.store.count() != 0 {
			t.Errorf("got the cookie %q and %d sessions, want none", b.cookie, si.store.count())
		}
	})
	t.Run("login", func(t *testing.T) {
		si, b, id, m := setup(t)
		was := b.cookie
		visit(t, b, m, func(s *session.Session[other]) error {
			err := errors.Join(s.Login("bob", nil), s.Update(func(d *other) error { d.N = append(d.N, "x"); return nil }))
			if s.ID() == id {
				t.Error("the new login has the old session")
			}
			return err
		})
		infos, err := m.List(t.Context(), "bob")
		if b.cookie == was || si.store.count() != 1 || err != nil || len(infos) != 1 || !slices.Equal(infos[0].Data.N, []string{"x"}) {
			t.Errorf("got %d sessions, %+v, %v; want bob's alone", si.store.count(), infos, err)
		}
	})
	t.Run("login that is not stored", func(t *testing.T) {
		for name, act := range map[string]func(*site, *session.Session[other]){
			"discarded": func(_ *site, s *session.Session[other]) { s.Discard() },
			"failed": func(si *site, s *session.Session[other]) {
				si.store.down()
				if err := s.Commit(t.Context()); !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("got %v, want ErrUnavailable", err)
				}
				si.store.hook(nil, nil)
			},
		} {
			si, b, id, m := setup(t)
			visit(t, b, m, func(s *session.Session[other]) error {
				err := s.Login("bob", nil)
				act(si, s)
				if err := s.Renew(); s.ID() != id || !errors.Is(err, session.ErrUndecodable) {
					t.Errorf("%s: got %v and %v, want the stored session again", name, s.ID(), err)
				}
				return err
			})
			if si.data(b).N != 1 || si.subject(b) != "alice" {
				t.Errorf("%s: the session ended without the login", name)
			}
		}
		si, b, _, m := setup(t)
		visit(t, b, m, func(s *session.Session[other]) error {
			err := errors.Join(s.Login("bob", nil), s.Destroy())
			s.Discard()
			return err
		})
		if b.cookie != "" || si.store.count() != 0 {
			t.Error("Discard has taken a logout back")
		}
	})
	t.Run("login, and another Get", func(t *testing.T) {
		for _, newer := range []bool{false, true} {
			si, b, id, m := setup(t)
			if newer {
				si.store.Records[id] = inAnotherFormat(si.store.Records[id])
			}
			x := new(session.Exchange)
			x.Begin(t.Context(), m, b.lines())
			s, _ := m.Get(x)
			if err := s.Login("bob", nil); err != nil {
				t.Fatal(err)
			}
			if again, err := m.Get(x); again != s || err != nil {
				t.Errorf("newer release: %t: got %v, want the new session without an error", newer, err)
			}
			s.Discard()
			if again, err := m.Get(x); again != s || !errors.Is(err, session.ErrUndecodable) {
				t.Errorf("newer release: %t: after Discard: got %v, want ErrUndecodable", newer, err)
			}
		}
	})
	t.Run("of a newer release", func(t *testing.T) {
		si, b, id, m := setup(t)
		si.store.Records[id] = inAnotherFormat(si.store.Records[id])
		visit(t, b, m, func(s *session.Session[other]) error {
			for what, err := range map[string]error{
				"Update":  s.Update(func(d *other) error { d.N = []string{"x"}; return nil }),
				"Destroy": s.Destroy(),
				"Touch":   s.Touch(t.Context()),
			} {
				if err == nil {
					t.Errorf("%s was done, and nothing proves whose session it is", what)
				}
			}
			if s.ID() != id || s.Subject() != "" || s.IsNew() {
				t.Errorf("got %v of %q, new: %t", s.ID(), s.Subject(), s.IsNew())
			}
			err := s.Login("alice", nil)
			s.Discard()
			if err := s.Renew(); !errors.Is(err, session.ErrUndecodable) {
				t.Errorf("after Discard: got %v, want ErrUndecodable", err)
			}
			return errors.Join(err, s.Login("alice", nil))
		})
		if infos, err := m.List(t.Context(), "alice"); len(infos) != 2 || !errors.Is(err, session.ErrUndecodable) || si.store.count() != 2 {
			t.Errorf("got %+v, %v; want the new session, and the old one for a program that can read it", infos, err)
		}
	})
}

// The error of data that cannot be decoded is not as long as the data, and keeps the
// decoder's error.
func TestErrorOfBadDataIsShort(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	for id, r := range si.store.Records {
		r.Data = []byte(`{"n":` + strings.Repeat("9", 1<<20) + "}" + strings.TrimPrefix(string(r.Data), `{"n":1}`))
		si.store.Records[id] = r
	}
	err := visitOf(t, program[cart](t, si.store, nil), b, func(*session.Session[cart]) error { return nil })
	var quotes *json.UnmarshalTypeError
	if !errors.Is(err, session.ErrUndecodable) || !errors.As(err, &quotes) || len(quotes.Error()) < 1<<20 {
		t.Fatalf("got %T, want an ErrUndecodable with the error of the decoder", err)
	}
	if n := len(err.Error()); n > 1000 {
		t.Errorf("the error has %d bytes", n)
	}
}

// inAnotherFormat returns a record as a newer release of the library may write it.
func inAnotherFormat(r session.Record) session.Record {
	r.Data = bytes.Clone(r.Data)
	n := len(r.Data) - 4
	r.Data[n-int(binary.BigEndian.Uint32(r.Data[n:]))] = 99 // the format of the envelope
	return r
}
