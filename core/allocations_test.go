//go:build !race

package session_test

import (
	"context"
	"testing"

	session "github.com/gostateful/session/core"
)

// TestAllocations checks the allocations of each kind of request in the engine,
// over a store that allocates nothing. If you make it cheaper, change the
// numbers. The race detector adds some, so the check runs this test by itself.
func TestAllocations(t *testing.T) {
	type plain struct{ Items []string }
	store := &single{}
	m := program[plain](t, store, nil)
	visit := func(cookies []string, act func(*session.Session[plain]) error) (cookie string) {
		var x session.Exchange
		x.Begin(t.Context(), m, cookies)
		if act != nil {
			s, err := m.Get(&x)
			if err == nil {
				err = act(s)
			}
			if err != nil {
				t.Error(err)
			}
		}
		h, err := x.Commit(session.Response{})
		if err == nil {
			err = x.Finish()
		}
		if err != nil {
			t.Error(err)
		}
		return cookieOf(h)
	}
	put := func(s *session.Session[plain]) error {
		return s.Update(func(p *plain) error { p.Items = []string{"tea"}; return nil })
	}
	cookies := []string{visit(nil, put)[:len("__Host-session=")+64]}
	for _, test := range []struct {
		name    string
		cookies []string
		act     func(*session.Session[plain]) error
		want    float64
	}{
		{"unused", cookies, nil, 1},
		{"subject", cookies, func(s *session.Session[plain]) error { _ = s.Subject(); return nil }, 3},
		{"read", cookies, func(s *session.Session[plain]) error {
			if got := s.Data().Items; len(got) != 1 {
				t.Errorf("got %q", got)
			}
			return nil
		}, 5},
		{"change", cookies, func(s *session.Session[plain]) error {
			return s.Update(func(p *plain) error { p.Items[0] += "x"; return nil })
		}, 16},
		{"first visit", nil, put, 12},
	} {
		got := 1e9
		for range 100 { // a garbage collection or the race detector may empty pools
			got = min(got, testing.AllocsPerRun(1, func() { visit(test.cookies, test.act) }))
		}
		if got != test.want {
			t.Errorf("%s: got %v allocations, want %v", test.name, got, test.want)
		}
	}
}

// single is a careless store of one session.
type single struct {
	session.Store
	kept session.Record
}

func (s *single) Create(_ context.Context, r session.Record) error {
	s.kept = r
	return nil
}

func (s *single) Load(context.Context, session.ID) (session.Record, error) { return s.kept, nil }

func (s *single) Update(_ context.Context, r session.Record) error {
	s.kept = r
	s.kept.Version++
	return nil
}
