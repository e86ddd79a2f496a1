package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	session "github.com/gostateful/session/core"
)

// A tally is a codec that counts what it does.
type tally struct{ encoded, decoded int }

func (c *tally) codec() session.Codec {
	return session.Codec{
		Name:      "json",
		Marshal:   func(v any) ([]byte, error) { c.encoded++; return json.Marshal(v) },
		Unmarshal: func(data []byte, v any) error { c.decoded++; return json.Unmarshal(data, v) },
		Merge:     func(_, _, after []byte) ([]byte, error) { return after, nil },
	}
}

// counted returns how often act encodes and decodes.
func (c *tally) counted(act func()) [2]int {
	*c = tally{}
	act()
	return [2]int{c.encoded, c.decoded}
}

// TestCodecCalls: data is decoded only if no request of this program has had it
// lately, and encoded again only if another type has written it.
func TestCodecCalls(t *testing.T) {
	type plain struct {
		N     int
		Items []string
	}
	type other struct{ N int } // another type gives other fingerprints
	store, b, c := newTestStore(), &browser{}, &tally{}
	fresh := func() *session.Manager[plain] {
		return program[plain](t, store, &session.Options{Codec: c.codec()})
	}
	m := fresh()
	visit := func(act func(*session.Session[plain]) error) func() {
		return func() {
			if err := visitOf(t, m, b, act); err != nil {
				t.Error(err)
			}
		}
	}
	read := func(s *session.Session[plain]) error { s.Data(); return nil }
	add := func(s *session.Session[plain]) error {
		return s.Update(func(p *plain) error { p.N++; p.Items = append(p.Items, "tea"); return nil })
	}
	whose := func(s *session.Session[plain]) error { _ = s.Subject(); return nil }
	login := func(s *session.Session[plain]) error { return s.Login("alice", nil) }

	for _, step := range []struct {
		name    string
		restart bool
		act     func(*session.Session[plain]) error
		want    [2]int // encoded, decoded
	}{
		{"a change encodes, and decodes what this codec made of it", false, add, [2]int{1, 1}},
		{"a read after the write", false, read, [2]int{0, 0}},
		{"a change of what is known", false, add, [2]int{1, 1}},
		{"a login writes the same data", false, login, [2]int{0, 0}},
		{"a read after the login", false, read, [2]int{0, 0}},
		{"whose it is, in another process: another codec may have lost the key", true, whose, [2]int{0, 1}},
		{"a read in another process", true, read, [2]int{0, 1}},
		{"and another", false, read, [2]int{0, 0}},
		{"a change in another process", true, add, [2]int{1, 2}},
	} {
		if step.restart {
			m = fresh()
		}
		if got := c.counted(visit(step.act)); got != step.want {
			t.Errorf("%s: got %v encodings and decodings, want %v", step.name, got, step.want)
		}
	}

	elder := program[other](t, store, &session.Options{Codec: c.codec()})
	got := c.counted(func() {
		if err := visitOf(t, elder, b, func(s *session.Session[other]) error { _ = s.ID(); return nil }); err != nil {
			t.Error(err)
		}
	})
	if want := [2]int{0, 1}; got != want {
		t.Errorf("data of another type: got %v encodings and decodings, want %v: it must be seen whether it can be decoded", got, want)
	}
}

// TestOthersMemory: for an exact type the encoding is not read back, and still no
// request sees what the application does to its memory after an Update.
func TestOthersMemory(t *testing.T) {
	type exact struct{ Items []string }
	store, b := newTestStore(), &browser{}
	m := program[exact](t, store, nil)
	kept := []string{"tea", "jam"}
	var first, second []string
	for _, act := range []func(*session.Session[exact]) error{
		func(s *session.Session[exact]) error {
			err := s.Update(func(e *exact) error { e.Items = kept; return nil })
			kept[0] = "changed after the Update"
			return err
		},
		func(s *session.Session[exact]) error {
			first = s.Data().Items
			first[0] = "changed in place" // not allowed, and nobody else must see it
			// The session is stored by now, so the value is cached.
			var held []string
			buffer := []byte("milk") // as a framework's that reuses its memory
			err := s.Update(func(e *exact) error {
				e.Items = append(e.Items, unsafe.String(&buffer[0], len(buffer)))
				held = e.Items
				return nil
			})
			held[0] = "changed after the second Update"
			copy(buffer, "junk")
			return err
		},
		func(s *session.Session[exact]) error { second = s.Data().Items; return nil },
	} {
		if err := visitOf(t, m, b, act); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"tea", "jam", "milk"}; !slices.Equal(second, want) {
		t.Errorf("got %q, want %q", second, want)
	}
}

// TestDecodedWhenAsked: the default codec decodes data that this type has
// written only when somebody asks for it.
func TestDecodedWhenAsked(t *testing.T) {
	type exact struct{ Items []string }
	type other struct{ Items []*string }
	store, b := newTestStore(), &browser{}
	put := func(s *session.Session[exact]) error {
		return s.Update(func(e *exact) error { e.Items = []string{"tea"}; return nil })
	}
	if err := visitOf(t, program[exact](t, store, nil), b, put); err != nil {
		t.Fatal(err)
	}
	err := visitOf(t, program[exact](t, store, nil), b, func(s *session.Session[exact]) error {
		if _ = s.Subject(); s.Decoded() {
			t.Error("the data was decoded before anybody asked for it")
		}
		if got := s.Data().Items; len(got) != 1 || !s.Decoded() {
			t.Errorf("got %q", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	err = visitOf(t, program[other](t, store, nil), b, func(s *session.Session[other]) error {
		if !s.Decoded() {
			t.Error("the data of another type was not decoded: it may not fit")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestFirstVisit: the data of a new session is decoded only when somebody asks for
// it. From then on it is known.
func TestFirstVisit(t *testing.T) {
	type exact struct{ Items []string }
	m := program[exact](t, newTestStore(), nil)
	put := func(s *session.Session[exact]) error {
		return s.Update(func(e *exact) error { e.Items = append(e.Items, "tea"); return nil })
	}
	ask := func(s *session.Session[exact]) error {
		if got := s.Data().Items; !slices.Equal(got, []string{"tea", "tea"}) {
			t.Errorf("got %q", got)
		}
		return nil
	}
	for _, test := range []struct {
		name     string
		requests [][]func(*session.Session[exact]) error
		known    []bool // as each request begins, and ends
	}{
		{"asked for by the next request", [][]func(*session.Session[exact]) error{{put}, {put}, {ask}}, []bool{false, false, false, true, true, true}},
		{"asked for at once", [][]func(*session.Session[exact]) error{{put, put, ask}, {ask}}, []bool{false, true, true, true}},
	} {
		b, known := &browser{}, []bool{}
		for _, request := range test.requests {
			err := visitOf(t, m, b, func(s *session.Session[exact]) (err error) {
				known = append(known, s.Decoded())
				for _, act := range request {
					err = errors.Join(err, act(s))
				}
				known = append(known, s.Decoded())
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		if !slices.Equal(known, test.known) {
			t.Errorf("%s: got %v, want %v", test.name, known, test.known)
		}
	}
}

// appending decodes in a way that is allowed: it writes behind what it is given.
type appending struct{ S string }

func (a *appending) UnmarshalJSON(b []byte) error {
	var decoded struct{ S string }
	err := json.Unmarshal(append(b, '\n'), &decoded)
	a.S = decoded.S
	return err
}

// TestDecoderAppends: a decoder that appends to encoded data writes into no record.
func TestDecoderAppends(t *testing.T) {
	store, b := newTestStore(), &browser{}
	err := visitOf(t, program[appending](t, store, nil), b, func(s *session.Session[appending]) error {
		put := func(a *appending) error { a.S = "tea"; return nil }
		err := errors.Join(s.Update(put), s.Commit(t.Context()))
		stored := store.Records[s.ID()].Data
		was := string(stored)
		data := s.Data() // has what was decoded, so that the Update decodes
		if err = errors.Join(err, s.Update(put)); data.S != "tea" || string(stored) != was {
			t.Errorf("%q became %q", was, stored)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDamagedData: data that something else has overwritten lacks the
// fingerprint, and is refused like any data that cannot be decoded.
func TestDamagedData(t *testing.T) {
	type plain struct{ Items []string }
	store, b := newTestStore(), &browser{}
	m := program[plain](t, store, nil)
	var id session.ID
	err := visitOf(t, m, b, func(s *session.Session[plain]) error {
		id = s.ID()
		return s.Update(func(p *plain) error { p.Items = []string{"tea"}; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	rec.Data = bytes.Replace(bytes.Clone(rec.Data), []byte(`"tea"`), []byte(`"tea]`), 1)
	if err := store.Update(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	other := program[plain](t, store, nil)
	if err := visitOf(t, other, b, func(*session.Session[plain]) error { return nil }); !errors.Is(err, session.ErrUndecodable) {
		t.Errorf("got %v, want ErrUndecodable", err)
	}
}

// TestDataOfAnyType: Data is a snapshot, and an Update that fails changes nothing,
// whether the type is plain or not.
func TestDataOfAnyType(t *testing.T) {
	t.Run("plain", func(t *testing.T) { testData[struct{ Items []string }](t) })
	t.Run("not plain", func(t *testing.T) {
		testData[struct {
			Items []string
			Any   any
		}](t)
	})
}

func testData[T any](t *testing.T) {
	store, b := newTestStore(), &browser{}
	m := program[T](t, store, nil)
	items := func(v *T) *[]string { return reflect.ValueOf(v).Elem().Field(0).Addr().Interface().(*[]string) }
	show := func(s *session.Session[T]) string {
		data := s.Data()
		return strings.Join(*items(&data), " ")
	}
	put := func(s *session.Session[T], fail error, words ...string) error {
		return s.Update(func(v *T) error {
			*items(v) = append((*items(v))[:0], words...) // over what was there
			return fail
		})
	}
	visit := func(act func(*session.Session[T]) error) {
		t.Helper()
		if err := visitOf(t, m, b, act); err != nil {
			t.Fatal(err)
		}
	}
	visit(func(s *session.Session[T]) error { return put(s, nil, "tea", "jam") })
	visit(func(s *session.Session[T]) error {
		before := s.Data()
		fails := errors.New("no")
		if err := put(s, fails, "milk"); !errors.Is(err, fails) || show(s) != "tea jam" {
			t.Errorf("an Update that failed: got %v and %q", err, show(s))
		}
		err := put(s, nil, "milk", "rye")
		if got := strings.Join(*items(&before), " "); got != "tea jam" || show(s) != "milk rye" {
			t.Errorf("after an Update the earlier snapshot is %q and the present one %q", got, show(s))
		}
		return err
	})
	visit(func(s *session.Session[T]) error {
		if got := show(s); got != "milk rye" {
			t.Errorf("the next request sees %q", got)
		}
		return s.Login("alice", nil)
	})
	visit(func(s *session.Session[T]) error {
		before := show(s)
		err := s.Login("bob", nil)
		if after := show(s); before != "milk rye" || after != "" {
			t.Errorf("alice sees %q, and then bob %q", before, after)
		}
		return err
	})
	visit(func(s *session.Session[T]) error { return put(s, nil, "ale") })
	visit(func(s *session.Session[T]) error {
		before := show(s)
		err := s.Destroy()
		if after := show(s); before != "ale" || after != "" {
			t.Errorf("bob sees %q, and after the logout %q", before, after)
		}
		return err
	})
}

// TestDataAfterAConflict: a request whose change was made again on newer data
// shows the newer data.
func TestDataAfterAConflict(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	si.visit(b, func(s *session.Session[cart]) error {
		_ = s.Data()
		if err := s.Update(increment); err != nil {
			return err
		}
		_ = s.Data()
		si.visit(&browser{cookie: b.cookie}, incremented)
		err := s.Commit(t.Context())
		if got := s.Data().N; got != 3 {
			t.Errorf("got %d, want 3", got)
		}
		return err
	})
}

// TestReusedMemory: a framework may reuse the memory of its strings, as fiber
// does. Data that an Update has set does not change with it.
func TestReusedMemory(t *testing.T) {
	type exact struct {
		Items  []string
		ByName map[string]string
		Last   *string
	}
	store, b := newTestStore(), &browser{}
	m := program[exact](t, store, nil)
	buffer := []byte("bread")
	err := visitOf(t, m, b, func(s *session.Session[exact]) error {
		text := unsafe.String(&buffer[0], len(buffer))
		return s.Update(func(e *exact) error {
			e.Items, e.ByName, e.Last = []string{text}, map[string]string{text: text}, &text
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	copy(buffer, "stone")
	err = visitOf(t, m, b, func(s *session.Session[exact]) error {
		got := s.Data()
		if got.Items[0] != "bread" || got.ByName["bread"] != "bread" || *got.Last != "bread" {
			t.Errorf("got %q, %q and %q", got.Items, got.ByName, *got.Last)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
