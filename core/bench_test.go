package session_test

import (
	"testing"

	session "github.com/gostateful/session/core"
)

// The cost of a request in the engine alone, over a cheap store.
func BenchmarkExchange(b *testing.B) {
	for _, bench := range []struct {
		name string
		act  func(*session.Manager[cart], *session.Exchange) error
	}{
		{"unused", func(*session.Manager[cart], *session.Exchange) error { return nil }},
		{"read", func(m *session.Manager[cart], x *session.Exchange) error {
			s, err := m.Get(x)
			if err == nil {
				_ = s.Data()
			}
			return err
		}},
		{"update", func(m *session.Manager[cart], x *session.Exchange) error {
			s, err := m.Get(x)
			if err == nil {
				err = s.Update(increment)
			}
			return err
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			m, err := session.New[cart](newTestStore(), nil)
			if err != nil {
				b.Fatal(err)
			}
			var first session.Exchange
			first.Begin(b.Context(), m, nil)
			s, _ := m.Get(&first)
			_ = s.Update(add("tea", "jam", "milk"))
			h, err := first.Commit(session.Response{})
			if err != nil {
				b.Fatal(err)
			}
			cookies := []string{cookieOf(h)[:len("__Host-session=")+64]}
			b.ReportAllocs()
			for b.Loop() {
				var x session.Exchange
				x.Begin(b.Context(), m, cookies)
				if err := bench.act(m, &x); err != nil {
					b.Fatal(err)
				}
				if _, err := x.Commit(session.Response{}); err != nil {
					b.Fatal(err)
				}
				_ = x.Finish()
			}
		})
	}
}
