package session_test

import (
	"errors"
	"log/slog"
	"net/http"
	"testing"

	session "github.com/gostateful/session/core"
)

// skipped is what a browser says that comes without the cookie of a bound session.
func skipped(reason string) http.Header {
	return http.Header{"Secure-Session-Skipped": {reason + `;session_identifier="__Host-session.name"`}}
}

// Law 16: a program cannot read a bound session, so its browser comes without the cookie.
// It can log in, and nothing else. So it can while the store is down, and then the login
// fails.
func TestSkippedLogin(t *testing.T) {
	type other struct{ N []string } // cannot read the N of a cart
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	opts := bindingOptions()
	opts.Logger = slog.New(slog.DiscardHandler)
	m := program[other](t, si.store, opts)
	bare := &browser{}
	begin := func(reason string) (*session.Exchange, *session.Session[other]) {
		x := new(session.Exchange)
		x.Begin(t.Context(), m, bare.lines())
		x.Heed(skipped(reason))
		for range 2 { // the second call is told the same
			if s, err := m.Get(x); !errors.Is(err, session.ErrUnavailable) || s == nil {
				t.Fatalf("%s: got %v and the handle %v, want ErrUnavailable and a handle", reason, err, s)
			}
		}
		s, _ := m.Get(x)
		return x, s
	}
	for _, reason := range []string{"unreachable", "server_error"} {
		for name, act := range map[string]func(*session.Session[other]) error{
			"Update":  func(s *session.Session[other]) error { return s.Update(func(o *other) error { o.N = nil; return nil }) },
			"Renew":   func(s *session.Session[other]) error { return s.Renew() },
			"Destroy": func(s *session.Session[other]) error { return s.Destroy() },
			"Discard, then Renew": func(s *session.Session[other]) error {
				err := s.Login("bob", nil)
				s.Discard()
				return errors.Join(err, s.Renew())
			},
		} {
			x, s := begin(reason)
			if err := act(s); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("%s: %s: %v, want ErrUnavailable", reason, name, err)
			}
			if _, err := m.Peek(x); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("%s: Peek after %s: %v, want ErrUnavailable", reason, name, err)
			}
			if h, err := x.Commit(session.Response{}); err != nil || !isFailure(h) {
				t.Errorf("%s: after %s the response has %+v, %v, want that of an outage", reason, name, h, err)
			}
		}
		before := si.store.count()
		x, s := begin(reason)
		if err := s.Login("bob", nil); err != nil {
			t.Fatalf("%s: Login: %v", reason, err)
		}
		if again, err := m.Get(x); again != s || err != nil {
			t.Errorf("%s: after the login: %v", reason, err)
		}
		h, err := x.Commit(session.Response{})
		if err != nil || cookieOf(h) == "" || h.RetryAfter != "" || si.store.count() != before+1 {
			t.Errorf("%s: the login: %+v, %v", reason, h, err)
		}
		si.store.down()
		x, s = begin(reason)
		if err := s.Login("bob", nil); err != nil {
			t.Fatalf("%s: Login: %v", reason, err)
		}
		if h, err := x.Commit(session.Response{}); !errors.Is(err, session.ErrUnavailable) || !isFailure(h) {
			t.Errorf("%s: the login while the store is down: %+v, %v", reason, h, err)
		}
		si.store.hook(nil, nil)
	}
	if a, err := si.refresh(l); err != nil || !a.Done || si.data(&l.browser).N != 1 {
		t.Errorf("the program that can read the session: %+v, %v", a, err)
	}
}
