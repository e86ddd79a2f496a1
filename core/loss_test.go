package session_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

type (
	price struct {
		Amount int
		note   string
	}
	level int
	shape struct{ ID int }
	color string // has an encoding of its own
	wary  struct{ P *int }
	wide  struct {
		level
		shape
		ID    int
		A     int `json:"B"`
		B     int
		Wary  wary
		Bytes []byte

		Text    string
		Any     any
		Prices  []price
		ByName  map[string]string
		At      time.Time
		Nested  struct{ Deep *price }
		Skipped string `json:"-"`
		Empty   []int  `json:",omitempty"`

		mu sync.Mutex //lint:ignore U1000 data may hold a mutex, which has a size and no content
	}
)

func (color) MarshalText() ([]byte, error) { return []byte("red"), nil }

func (w wary) Equal(other wary) bool { return *w.P == *other.P } // which may panic

// TestLossIsReported: what an Update sets and its codec loses is an event, with
// the path of the field (law 20).
func TestLossIsReported(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(*wide)
		path string // empty: nothing is lost
	}{
		"unexported":              {func(w *wide) { w.Prices = []price{{1, ""}, {2, "cheap"}} }, ".Prices[1].note"},
		"unexported, below":       {func(w *wide) { w.Nested.Deep = &price{note: "x"} }, ".Nested.Deep.note"},
		"not UTF-8":               {func(w *wide) { w.Text = "caf\xe9" }, ".Text"},
		"a large number":          {func(w *wide) { w.Any = 1<<53 + 1 }, ".Any"},
		"a large unsigned one":    {func(w *wide) { w.Any = uint64(1<<64 - 1) }, ".Any"},
		"keys that fall together": {func(w *wide) { w.ByName = map[string]string{"\xff": "a", "\xfe": "b"} }, ".ByName[...]"},
		"a text in an interface":  {func(w *wide) { w.Any = map[string]any{"x": "\xff"} }, ".Any[...]"},

		"embedded, no struct":  {func(w *wide) { w.level = 1 }, ".level"},
		"embedded, and hidden": {func(w *wide) { w.shape.ID = 1 }, ".shape.ID"},
		"two of one name":      {func(w *wide) { w.B = 1 }, ".B"},

		"bytes":          {func(w *wide) { w.Bytes = []byte{1, 2, 3} }, ""},
		"of its own":     {func(w *wide) { w.Any = map[string]any{"c": color("crimson")} }, ""},
		"a number":       {func(w *wide) { w.Any = 42 }, ""},
		"the time":       {func(w *wide) { w.At = time.Now() }, ""},
		"marked so":      {func(w *wide) { w.Skipped = "x" }, ""},
		"empty, not nil": {func(w *wide) { w.Empty, w.ByName = []int{}, map[string]string{} }, ""},
		"a replacement":  {func(w *wide) { w.Text = "\ufffd" }, ""},
		"a struct in it": {func(w *wide) { w.Any = price{Amount: 1} }, ""},
		"all that is":    {func(w *wide) { w.Text, w.Any, w.ByName = "é", []any{1.5, "x", nil, true}, map[string]string{"a": "b"} }, ""},
		"a nil in it":    {func(w *wide) { w.Any = (*price)(nil) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var events []session.Event
			m := program[wide](t, newTestStore(), &session.Options{Observer: func(_ context.Context, e session.Event) { events = append(events, e) }})
			b := &browser{}
			x := new(session.Exchange)
			x.Begin(t.Context(), m, nil)
			s, err := m.Get(x)
			if err == nil {
				err = s.Update(func(w *wide) error { test.set(w); return nil })
			}
			h, commitErr := x.Commit(session.Response{})
			if err := errors.Join(err, commitErr, x.Finish()); err != nil {
				t.Fatal(err)
			}
			b.receive(t, h)
			var got []string
			for _, e := range events {
				if e.Kind == session.EventError {
					got = append(got, e.Err.Error())
				}
			}
			switch {
			case test.path == "" && len(got) > 0:
				t.Errorf("got %q, want no report", got)
			case test.path != "" && (len(got) != 1 || !strings.Contains(got[0], "session_test.wide"+test.path+" ")):
				t.Errorf("got %q, want a report of %s", got, test.path)
			}
		})
	}
	t.Run("by a type that loses nothing else", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("tea")) })
		if si.saw(session.EventError) {
			t.Error("a text that is kept was reported")
		}
		si.visit(b, func(s *session.Session[cart]) error { return s.Update(add("caf\xe9")) })
		if !si.saw(session.EventError) {
			t.Error("a text that is no UTF-8 was not reported")
		}
	})
	t.Run("by another codec", func(t *testing.T) {
		reports := 0
		m := program[price](t, newTestStore(), &session.Options{
			Codec: session.Codec{
				Name: "gob",
				Marshal: func(v any) ([]byte, error) {
					var b bytes.Buffer
					err := gob.NewEncoder(&b).Encode(v)
					return b.Bytes(), err
				},
				Unmarshal: func(data []byte, v any) error { return gob.NewDecoder(bytes.NewReader(data)).Decode(v) },
			},
			Observer: func(_ context.Context, e session.Event) {
				if e.Kind == session.EventError && strings.Contains(e.Err.Error(), ".note") {
					reports++
				}
			},
		})
		for _, set := range []price{{Amount: 1}, {Amount: 2, note: "x"}} {
			s, err := m.Get(m.NewContext(t.Context(), session.Info[price]{}))
			if err == nil {
				err = s.Update(func(p *price) error { *p = set; return nil })
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if reports != 1 {
			t.Errorf("got %d reports, want 1", reports)
		}
	})
}

// TestLossOfAlone: a type that has only the part in question is checked too.
func TestLossOfAlone(t *testing.T) {
	for name, got := range map[string]int{
		"embedded": losses(t, nil, func(v *struct {
			level
			N int
		},
		) {
			v.level = 1
		}),
		"hidden": losses(t, nil, func(v *struct {
			shape
			ID int
		},
		) {
			v.shape.ID = 1
		}),
		"of one name": losses(t, nil, func(v *struct {
			A int `json:"B"`
			B int
		},
		) {
			v.B = 1
		}),
	} {
		if got != 1 {
			t.Errorf("%s: got %d reports, want 1", name, got)
		}
	}
}

// TestLossOfCycles: the search for losses ends, and nothing that it meets fails
// the request.
func TestLossOfCycles(t *testing.T) {
	type ring struct{ Next, Prev *ring }
	couple := func() *ring {
		a, b := new(ring), new(ring)
		a.Next, a.Prev, b.Next, b.Prev = b, b, a, a
		return a
	}
	codec := session.Codec{ // keeps whether there is a couple
		Name: "ring",
		Marshal: func(v any) ([]byte, error) {
			if (*v.(**ring)).Next != nil {
				return []byte("two"), nil
			}
			return []byte("one"), nil
		},
		Unmarshal: func(data []byte, v any) error {
			if *v.(**ring) = new(ring); string(data) == "two" {
				*v.(**ring) = couple()
			}
			return nil
		},
	}
	if got := losses(t, &codec, func(v **ring) { *v = couple() }); got != 0 {
		t.Errorf("got %d reports, want none", got)
	}
	if got := losses(t, nil, func(v *struct {
		Wary wary
		Any  any
	},
	) {
		v.Any = 1
	}); got != 0 {
		t.Errorf("an Equal that panics: got %d reports, want none", got)
	}
}

// losses counts the reports of one Update.
func losses[T any](t *testing.T, codec *session.Codec, set func(*T)) (n int) {
	t.Helper()
	opts := session.Options{Observer: func(_ context.Context, e session.Event) {
		if e.Kind == session.EventError {
			n++
		}
	}}
	if codec != nil {
		opts.Codec = *codec
	}
	m := program[T](t, newTestStore(), &opts)
	s, err := m.Get(m.NewContext(t.Context(), session.Info[T]{}))
	if err == nil {
		err = s.Update(func(v *T) error { set(v); return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTypes: New refuses a type of which nothing would be stored, and gives a map
// or a pointer that an Update can use.
func TestTypes(t *testing.T) {
	type hidden struct {
		n int //lint:ignore U1000 that is the point
	}
	type embeds struct {
		hidden //lint:ignore U1000 that is the point
	}
	store := newTestStore()
	for name, err := range map[string]error{
		"all unexported":  made[hidden](store),
		"of a pointer":    made[*hidden](store),
		"of two pointers": made[**hidden](store),
		"that embeds one": made[embeds](store),
		"all left out": made[struct {
			N int `json:"-"`
		}](store),
	} {
		if err == nil || !strings.Contains(err.Error(), "exported field") {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
	for name, err := range map[string]error{
		"no field":     made[struct{}](store),
		"a time":       made[time.Time](store),
		"a text":       made[string](store),
		"an interface": made[any](store),
		"one exported": made[price](store),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	b := &browser{}
	maps := program[map[string]int](t, store, nil)
	x := new(session.Exchange)
	x.Begin(t.Context(), maps, nil)
	s, err := maps.Get(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(func(m *map[string]int) error { return nil }); err != nil {
		t.Error(err)
	}
	if h, err := x.Commit(session.Response{}); err != nil || cookieOf(h) != "" || len(store.Records) > 0 {
		t.Errorf("a map that stays empty: got the cookie %q, %v", cookieOf(h), err)
	}
	for range 2 {
		x := new(session.Exchange)
		x.Begin(t.Context(), maps, b.lines())
		s, err := maps.Get(x)
		if err == nil {
			err = s.Update(func(m *map[string]int) error { (*m)["a"]++; return nil })
		}
		h, commitErr := x.Commit(session.Response{})
		if err := errors.Join(err, commitErr); err != nil {
			t.Fatal(err)
		}
		b.receive(t, h)
	}
	x = new(session.Exchange)
	x.Begin(t.Context(), maps, b.lines())
	if s, err := maps.Get(x); err != nil || s.Data()["a"] != 2 {
		t.Errorf("got %v, %v; want 2", s.Data(), err)
	}

	cleared, err := maps.Get(maps.NewContext(t.Context(), session.Info[map[string]int]{}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is stored in between is null
		err = errors.Join(err,
			cleared.Update(func(m *map[string]int) error { (*m)["a"] = 1; return nil }), cleared.Commit(t.Context()),
			cleared.Update(func(m *map[string]int) error { *m = nil; return nil }), cleared.Commit(t.Context()))
	}
	if err != nil || cleared.Data() == nil {
		t.Errorf("a map that was set to nil: got %v, %v", cleared.Data(), err)
	}

	pointers := program[*cart](t, newTestStore(), nil)
	p, err := pointers.Get(pointers.NewContext(t.Context(), session.Info[*cart]{}))
	if err == nil {
		err = p.Update(func(c **cart) error { (*c).N++; return nil })
	}
	if err != nil || p.Data().N != 1 {
		t.Errorf("a pointer: got %v", err)
	}
}

func made[T any](store session.Store) error {
	_, err := session.New[T](store, nil)
	return err
}
