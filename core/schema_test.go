package session_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	session "github.com/gostateful/session/core"
)

// program is a manager of some release of an application, over a store that it
// shares with the other releases.
func program[T any](t *testing.T, store session.Store, opts *session.Options) *session.Manager[T] {
	t.Helper()
	m, err := session.New[T](store, opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// visitOf is a whole request to a program.
func visitOf[T any](t *testing.T, m *session.Manager[T], b *browser, act func(*session.Session[T]) error) error {
	t.Helper()
	x := new(session.Exchange)
	x.Begin(t.Context(), m, b.lines())
	s, err := m.Get(x)
	if err != nil {
		return err
	}
	if err := act(s); err != nil {
		return err
	}
	h, err := x.Commit(session.Response{})
	b.receive(t, h)
	return errors.Join(err, x.Finish())
}

type oldLine struct {
	Name string `json:"name"`
	Qty  int    `json:"qty"`
}

type oldCart struct {
	Lines []oldLine `json:"lines"`
	Note  string    `json:"note,omitempty"`
}

type newLine struct {
	Name  string `json:"name"`
	Qty   int    `json:"qty"`
	Price int    `json:"price"`
}

type newCart struct {
	Lines   []newLine         `json:"lines"`
	Note    string            `json:"note,omitempty"`
	Coupon  string            `json:"coupon"`
	Address map[string]string `json:"address"`
}

// Law 16: a deploy loses nobody.
func TestDeployLosesNobody(t *testing.T) {
	full := newCart{
		Lines:  []newLine{{"tea", 1, 350}, {"jam", 2, 480}},
		Coupon: "SPRING", Address: map[string]string{"city": "Bern"},
	}
	setFull := func(s *session.Session[newCart]) error {
		return s.Update(func(c *newCart) error { *c = full; return nil })
	}

	for _, schema := range []struct{ old, new uint64 }{{0, 0}, {1, 2}} {
		t.Run(fmt.Sprintf("unknown fields survive, schemas %d and %d", schema.old, schema.new), func(t *testing.T) {
			store, b := newTestStore(), &browser{}
			old := program[oldCart](t, store, &session.Options{Schema: schema.old})
			now := program[newCart](t, store, &session.Options{Schema: schema.new, Migrate: func(session.Encoded) ([]byte, error) {
				return nil, errors.New("what the newer program wrote is of its schema, whoever updated it")
			}})
			if err := visitOf(t, now, b, setFull); err != nil {
				t.Fatal(err)
			}
			for qty := range 4 { // however often
				err := visitOf(t, old, b, func(s *session.Session[oldCart]) error {
					return s.Update(func(c *oldCart) error { c.Lines[0].Qty, c.Note = qty, "gift"; return nil })
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			var got newCart
			if err := visitOf(t, now, b, func(s *session.Session[newCart]) error { got = s.Data(); return nil }); err != nil {
				t.Error(err)
			}
			want := full
			want.Lines = []newLine{{"tea", 3, 350}, {"jam", 2, 480}}
			want.Note = "gift"
			if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
				t.Errorf("got  %s\nwant %s", g, w)
			}
		})
	}

	t.Run("undecodable is an error", func(t *testing.T) {
		store, b := newTestStore(), &browser{}
		if err := visitOf(t, program[cart](t, store, nil), b, func(s *session.Session[cart]) error { return s.Update(add("x")) }); err != nil {
			t.Fatal(err)
		}
		was := b.cookie
		type other struct {
			Items map[string]int `json:"items"`
		}
		m := program[other](t, store, nil)
		if err := visitOf(t, m, b, func(*session.Session[other]) error { return nil }); !errors.Is(err, session.ErrUndecodable) {
			t.Errorf("got %v, want ErrUndecodable", err)
		}
		if b.cookie != was || store.count() != 1 {
			t.Error("the session is gone")
		}
		if err := visitOf(t, program[cart](t, store, nil), b, func(s *session.Session[cart]) error {
			if len(s.Data().Items) != 1 {
				t.Error("the data is gone")
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})

	t.Run("unless the application starts afresh", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		fresh := newSiteOn(t, si.store, &session.Options{DiscardUndecodable: true, Codec: session.Codec{
			Name: "cbor", Marshal: json.Marshal, Unmarshal: json.Unmarshal,
		}})
		fresh.visit(b, func(s *session.Session[cart]) error {
			if !s.IsNew() || s.Data().N != 0 {
				t.Errorf("got %+v", s.Data())
			}
			return s.Update(add("y"))
		})
		if !fresh.saw(session.EventDiscarded) {
			t.Error("no event tells of it")
		}
		if got := fresh.data(b); len(got.Items) != 1 {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("an envelope of a newer release, or of something else", func(t *testing.T) {
		for _, data := range [][]byte{nil, {99, 1, 2}, []byte(`{"json":1}`)} {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			for id, rec := range si.store.Records {
				rec.Data = data
				si.store.Records[id] = rec
			}
			if _, err := si.Get(si.begin(b)); !errors.Is(err, session.ErrUndecodable) {
				t.Errorf("%q: got %v, want ErrUndecodable", data, err)
			}
		}
	})

	t.Run("a codec without Merge does not overwrite a newer schema", func(t *testing.T) {
		codec := session.Codec{Name: "plain", Marshal: json.Marshal, Unmarshal: json.Unmarshal}
		store, b := newTestStore(), &browser{}
		now := program[newCart](t, store, &session.Options{Schema: 2, Codec: codec})
		old := program[oldCart](t, store, &session.Options{Schema: 1, Codec: codec})
		if err := visitOf(t, now, b, setFull); err != nil {
			t.Fatal(err)
		}
		err := visitOf(t, old, b, func(s *session.Session[oldCart]) error {
			if len(s.Data().Lines) != 2 {
				t.Errorf("cannot read: %+v", s.Data())
			}
			return s.Update(func(c *oldCart) error { c.Note = "gift"; return nil })
		})
		if !errors.Is(err, session.ErrUndecodable) {
			t.Errorf("got %v, want ErrUndecodable", err)
		}
	})
}

func TestMigrate(t *testing.T) {
	type v2 struct{ Count int }
	migrate := func(old session.Encoded) ([]byte, error) {
		if old.Codec == "json" && old.Schema == 0 {
			var c cart
			if err := json.Unmarshal(old.Data, &c); err != nil {
				return nil, err
			}
			return json.Marshal(v2{c.N * 100})
		}
		return nil, fmt.Errorf("unexpected codec %q, schema %d", old.Codec, old.Schema)
	}
	count := func(t *testing.T, m *session.Manager[v2], b *browser) (n int) {
		t.Helper()
		if err := visitOf(t, m, b, func(s *session.Session[v2]) error { n = s.Data().Count; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, write := range []struct {
		name string
		act  func(*session.Session[v2]) error
		want int
	}{
		{"read", func(*session.Session[v2]) error { return nil }, 100},
		{"update", func(s *session.Session[v2]) error {
			return s.Update(func(c *v2) error { c.Count++; return nil })
		}, 101},
		{"login", func(s *session.Session[v2]) error { return s.Login("alice", nil) }, 100},
	} {
		t.Run(write.name, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			m := program[v2](t, si.store, &session.Options{Schema: 1, Migrate: migrate})
			if err := visitOf(t, m, b, write.act); err != nil {
				t.Fatal(err)
			}
			if got := count(t, m, b); got != write.want {
				t.Errorf("got %d, want %d", got, write.want)
			}
		})
	}

	t.Run("from another codec", func(t *testing.T) {
		gobs := session.Codec{
			Name: "gob",
			Marshal: func(v any) ([]byte, error) {
				var b bytes.Buffer
				err := gob.NewEncoder(&b).Encode(v)
				return b.Bytes(), err
			},
			Unmarshal: func(data []byte, v any) error { return gob.NewDecoder(bytes.NewReader(data)).Decode(v) },
		}
		si, b := newSite(t, &session.Options{Codec: gobs}), &browser{}
		si.visit(b, add3)
		err := visitOf(t, program[cart](t, si.store, nil), b, func(*session.Session[cart]) error { return nil })
		if !errors.Is(err, session.ErrUndecodable) {
			t.Errorf("without Migrate got %v, want ErrUndecodable", err)
		}
		m := program[cart](t, si.store, &session.Options{Migrate: func(old session.Encoded) ([]byte, error) {
			var c cart
			if err := gobs.Unmarshal(old.Data, &c); err != nil {
				return nil, err
			}
			return json.Marshal(c)
		}})
		for range 2 {
			if err := visitOf(t, m, b, func(s *session.Session[cart]) error { return s.Update(add("d")) }); err != nil {
				t.Fatal(err)
			}
		}
		_ = visitOf(t, m, b, func(s *session.Session[cart]) error {
			if got := len(s.Data().Items); got != 5 {
				t.Errorf("got %d items, want 5", got)
			}
			return nil
		})
	})

	t.Run("what was updated without Migrate is of the present schema", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		one := program[cart](t, si.store, &session.Options{Schema: 1})
		if err := visitOf(t, one, b, func(s *session.Session[cart]) error { return s.Update(increment) }); err != nil {
			t.Fatal(err)
		}
		var from uint64
		two := program[v2](t, si.store, &session.Options{Schema: 2, Migrate: func(old session.Encoded) ([]byte, error) {
			from = old.Schema
			return []byte(`{"Count":7}`), nil
		}})
		if got := count(t, two, b); got != 7 || from != 1 {
			t.Errorf("got %d, from schema %d", got, from)
		}
	})

	t.Run("what an older program emptied is of its schema", func(t *testing.T) {
		store, b := newTestStore(), &browser{}
		migrated := 0
		now := program[v2](t, store, &session.Options{Schema: 2, Migrate: func(old session.Encoded) ([]byte, error) {
			migrated++
			return old.Data, nil
		}})
		login := func(s *session.Session[v2]) error {
			return errors.Join(s.Login("alice", nil), s.Update(func(c *v2) error { c.Count = 1; return nil }))
		}
		if err := visitOf(t, now, b, login); err != nil {
			t.Fatal(err)
		}
		old := program[cart](t, store, &session.Options{Schema: 1})
		if err := visitOf(t, old, b, func(s *session.Session[cart]) error { return s.Login("bob", nil) }); err != nil {
			t.Fatal(err)
		}
		if got := count(t, now, b); got != 0 || migrated != 1 {
			t.Errorf("got %d, migrated %d times", got, migrated)
		}
	})

	t.Run("that fails is an error whatever it wraps", func(t *testing.T) {
		for _, wrapped := range []error{session.ErrNotFound, session.ErrSuperseded, session.ErrConflict} {
			si, b := newSite(t, nil), &browser{}
			si.visit(b, incremented)
			m := program[v2](t, si.store, &session.Options{Schema: 3, Migrate: func(session.Encoded) ([]byte, error) {
				return nil, fmt.Errorf("ask another store: %w", wrapped)
			}})
			was := b.cookie
			err := visitOf(t, m, b, func(s *session.Session[v2]) error { return s.Login("alice", nil) })
			if !errors.Is(err, session.ErrUndecodable) || b.cookie != was || si.store.count() != 1 {
				t.Errorf("%v: got %v and %d sessions, want ErrUndecodable, never an empty session", wrapped, err, si.store.count())
			}
			events := 0
			jobs := program[v2](t, si.store, &session.Options{
				Schema: 3, Observer: func(context.Context, session.Event) { events++ },
				Migrate: func(session.Encoded) ([]byte, error) { return nil, wrapped },
			})
			for id := range si.store.Records {
				if err := jobs.Update(t.Context(), id, func(*v2) error { return nil }); !errors.Is(err, session.ErrUndecodable) || events != 1 {
					t.Errorf("Modify: got %v and %d events, want ErrUndecodable and one", err, events)
				}
			}
		}
	})

	t.Run("that fails is an error", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, incremented)
		m := program[v2](t, si.store, &session.Options{Schema: 3, Migrate: func(session.Encoded) ([]byte, error) { return nil, errDown }})
		err := visitOf(t, m, b, func(*session.Session[v2]) error { return nil })
		if !errors.Is(err, session.ErrUndecodable) || !errors.Is(err, errDown) {
			t.Errorf("got %v, want ErrUndecodable with the reason", err)
		}
	})
}
