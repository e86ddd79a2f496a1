package memory_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// TestLogout: the record that a logout leaves is linked to no subject, is
// evicted first, and leaves memory after the straggler's window.
func TestLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var evicted []session.Record
		s := memory.New(&memory.Options{MaxSessions: 2, Evicted: func(r session.Record) { evicted = append(evicted, r) }})
		logOut := func(subject string) {
			logInAndOut(t, s, subject)
			check(t, s) // each that is linked has a subject
			if list, err := s.List(t.Context(), subject); err != nil || len(list) != 0 {
				t.Errorf("after a logout: List: got %d records and error %v, want none", len(list), err)
			}
		}
		logOut("alice")
		if got := s.Len(); got != 1 {
			t.Errorf("within the straggler's window: got %d in memory, want what the logout leaves", got)
		}
		bob, carol := create(t, s, record("bob")), create(t, s, record("carol"))
		if len(evicted) != 1 || evicted[0].Subject != "" {
			t.Errorf("got %+v evicted, want what the logout left", evicted)
		}
		for _, id := range []session.ID{bob.ID, carol.ID} {
			if err := s.Delete(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}

		logOut("dave")
		time.Sleep(time.Minute)
		for range 64 { // each shard in its turn
			_, _ = s.Load(t.Context(), bob.ID)
		}
		if got := s.Len(); got != 0 {
			t.Errorf("after the straggler's window: got %d in memory, want none", got)
		}
		check(t, s)
	})
}

// logInAndOut is two requests of one browser.
func logInAndOut(t *testing.T, s *memory.Store, subject string) {
	t.Helper()
	m, err := session.New[int](s, nil)
	if err != nil {
		t.Fatal(err)
	}
	var cookies []string
	for _, do := range []func(*session.Session[int]) error{
		func(s *session.Session[int]) error { return s.Login(subject, nil) },
		(*session.Session[int]).Destroy,
	} {
		x := new(session.Exchange)
		x.Begin(t.Context(), m, cookies)
		v, err := m.Get(x)
		if err == nil {
			err = do(v)
		}
		if err != nil {
			t.Fatal(err)
		}
		header, err := x.Commit(session.Response{})
		if err != nil {
			t.Fatal(err)
		}
		cookie, err := http.ParseSetCookie(header.SetCookie[0])
		if err != nil {
			t.Fatal(err)
		}
		cookies = []string{cookie.Name + "=" + cookie.Value}
	}
}
