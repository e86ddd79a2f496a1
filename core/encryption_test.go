package session_test

import (
	"bytes"
	"errors"
	"testing"

	session "github.com/gostateful/session/core"
)

// TestEncryption: the codec of Example_encryption keeps the laws, and leaves no
// plain text.
func TestEncryption(t *testing.T) {
	keys := [][]byte{bytes.Repeat([]byte("a"), 32), bytes.Repeat([]byte("b"), 32)}
	store := newTestStore()
	with := func(keys ...[]byte) *site {
		codec, err := encrypted(keys...)
		if err != nil {
			t.Fatal(err)
		}
		return newSiteOn(t, store, &session.Options{Codec: codec})
	}
	b, former := &browser{}, with(keys[1])
	former.visit(b, func(s *session.Session[cart]) error { return s.Update(add("tea", "milk")) })
	for _, rec := range store.Records {
		if bytes.Contains(rec.Data, []byte("tea")) {
			t.Errorf("the store has %q", rec.Data)
		}
	}

	rotated := with(keys[0], keys[1])
	if got := rotated.data(b); len(got.Items) != 2 {
		t.Errorf("with the former key as the second: got %+v", got)
	}
	rotated.visit(b, incremented)
	if got := with(keys[0]).data(b); got.N != 1 || len(got.Items) != 2 {
		t.Errorf("after a change, with the new key alone: got %+v", got)
	}
	x := &request{new(session.Exchange), former, b}
	x.Begin(t.Context(), former, b.lines())
	if _, err := former.Get(x); !errors.Is(err, session.ErrUndecodable) {
		t.Errorf("without the key: got %v, want ErrUndecodable", err)
	}

	// A newer program's field survives the change of an older one.
	type newer struct {
		N    int `json:"n"`
		Note string
	}
	codec, err := encrypted(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.New[newer](store, &session.Options{Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	id := session.NewID()
	cookie, err := m.NewCookie(t.Context(), session.Info[newer]{ID: id, Data: newer{Note: "kept"}})
	if err != nil {
		t.Fatal(err)
	}
	with(keys[0]).visit(&browser{cookie: cookie.Name + "=" + cookie.Value}, incremented)
	if info, err := m.Find(t.Context(), id); err != nil || info.Data != (newer{1, "kept"}) {
		t.Errorf("after the change of an older program: got %+v, %v", info.Data, err)
	}
}
