package session_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	session "github.com/gostateful/session/core"
)

// TestEndCause: the event of an end says why, and the log does too.
func TestEndCause(t *testing.T) {
	type other struct{ N []string } // cannot read the N of a cart
	for _, test := range []struct {
		name string
		end  func(si *site, b *browser)
		want []session.EndCause
	}{
		{"logout", func(si *site, b *browser) {
			si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
		}, []session.EndCause{session.EndLogout}},
		{"logout everywhere", func(si *site, b *browser) {
			si.visit(&browser{}, loggedIn)
			si.visit(b, func(s *session.Session[cart]) error { return s.DestroyAll(si.t.Context()) })
		}, []session.EndCause{session.EndRevoked, session.EndLogout}},
		{"revoke", func(si *site, b *browser) {
			infos, err := si.List(si.t.Context(), "alice")
			for _, info := range infos {
				err = errors.Join(err, si.Revoke(si.t.Context(), info.ID))
			}
			if err != nil {
				si.t.Error(err)
			}
		}, []session.EndCause{session.EndRevoked}},
		{"revoke all", func(si *site, _ *browser) {
			if _, err := si.RevokeAll(si.t.Context(), "alice"); err != nil {
				si.t.Error(err)
			}
		}, []session.EndCause{session.EndRevoked}},
		{"limit", func(si *site, _ *browser) {
			si.visit(&browser{}, loggedIn)
			si.visit(&browser{}, loggedIn)
		}, []session.EndCause{session.EndLimit}},
		{"replaced", func(si *site, b *browser) {
			m := program[other](si.t, si.store, &session.Options{Observer: si.observe})
			x := new(session.Exchange)
			x.Begin(si.t.Context(), m, b.lines())
			s, err := m.Get(x)
			if !errors.Is(err, session.ErrUndecodable) {
				si.t.Fatalf("got %v, want ErrUndecodable", err)
			}
			err = s.Login("bob", nil)
			if _, commitErr := x.Commit(session.Response{}); errors.Join(err, commitErr) != nil {
				si.t.Fatal(err, commitErr)
			}
		}, []session.EndCause{session.EndReplaced}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				si, b := newSite(t, &session.Options{
					MaxPerSubject: 2,
					Logger:        slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				}), &browser{}
				si.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("alice", nil), s.Update(increment)) })
				test.end(si, b)
				var got []session.EndCause
				for _, e := range si.events {
					if (e.Kind == session.EventDestroyed) != (e.Cause != "") {
						t.Errorf("%s with the cause %q", e.Kind, e.Cause)
					}
					if e.Cause != "" {
						got = append(got, e.Cause)
					}
				}
				if len(got) != len(test.want) || got[0] != test.want[0] || got[len(got)-1] != test.want[len(got)-1] {
					t.Errorf("got %q, want %q", got, test.want)
				}
				for _, cause := range test.want {
					if line := "cause=" + string(cause); cause != session.EndReplaced && !strings.Contains(log.String(), line) {
						t.Errorf("the log does not say %q:\n%s", line, log.String())
					}
				}
			})
		})
	}
}

// TestConflictAgain: the event of a conflict says whether the change is made again.
func TestConflictAgain(t *testing.T) {
	destroy := func(s *session.Session[cart]) error { return s.Destroy() }
	for _, test := range []struct {
		name         string
		first, later func(*session.Session[cart]) error
		again        bool
	}{
		{"a change after a change", incremented, incremented, true},
		{"a logout after a change", incremented, destroy, true},
		{"a change after a logout", destroy, incremented, false},
		{"a change after a login", loggedIn, incremented, false},
		{"a login after a login", loggedIn, loggedIn, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				si, b := newSite(t, &session.Options{
					Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				}), &browser{}
				si.visit(b, incremented)
				r := si.begin(b)
				if err := test.later(r.get()); err != nil {
					t.Fatal(err)
				}
				si.visit(b, test.first)
				_, _ = r.respond()
				conflicts := 0
				for _, e := range si.events {
					if e.Kind != session.EventConflict {
						if e.Again {
							t.Errorf("%s says that it is made again", e.Kind)
						}
						continue
					}
					if conflicts++; e.Again != test.again {
						t.Errorf("got %v, want %v", e.Again, test.again)
					}
				}
				line := map[bool]string{true: "again=true", false: "again=false"}[test.again]
				if conflicts != 1 || strings.Count(log.String(), line) != 1 {
					t.Errorf("%d conflicts, want one, with %s in the log:\n%s", conflicts, line, log.String())
				}
			})
		})
	}
}
