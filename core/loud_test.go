package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// captureDefaultLog returns what slog.Default() has logged since it was last
// asked, line by line.
func captureDefaultLog(t *testing.T) func() []string {
	var mu sync.Mutex
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&locked{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(was) })
	return func() (lines []string) {
		mu.Lock()
		defer mu.Unlock()
		for line := range strings.Lines(log.String()) {
			lines = append(lines, line)
		}
		log.Reset()
		return lines
	}
}

type locked struct {
	mu  *sync.Mutex
	out *bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

// newLoud returns a manager whose options leave the log to slog.Default().
func newLoud(t *testing.T) (*session.Manager[cart], *testStore) {
	store := newTestStore()
	m, err := session.New[cart](store, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m, store
}

// TestOutageDoesNotFlood: without a Logger, a kind of event has one line a second,
// with a count and without the subject. A Logger gets each, with the subject.
func TestOutageDoesNotFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := captureDefaultLog(t)
		m, store := newLoud(t)
		store.down()
		for range 50 {
			_, _ = m.List(t.Context(), "alice")
		}
		if got := log(); len(got) != 1 || strings.Contains(got[0], "alice") || strings.Contains(got[0], "events=") {
			t.Errorf("got %q, want one line without the subject", got)
		}
		time.Sleep(time.Second)
		_, _ = m.List(t.Context(), "alice")
		if got := log(); len(got) != 1 || !strings.Contains(got[0], "events=50") {
			t.Errorf("a second later: got %q, want one line that counts 50", got)
		}
		silent := program[cart](t, store, &session.Options{Logger: slog.New(slog.DiscardHandler)})
		_, _ = silent.List(t.Context(), "alice")
		if got := log(); len(got) != 0 {
			t.Errorf("with a logger that discards: got %q", got)
		}
		var own bytes.Buffer
		chatty := program[cart](t, store, &session.Options{Logger: slog.New(slog.NewTextHandler(&own, nil))})
		for range 3 {
			_, _ = chatty.List(t.Context(), "alice")
		}
		if got := own.String(); strings.Count(got, "\n") != 3 || strings.Count(got, "subject=alice") != 3 || len(log()) != 0 {
			t.Errorf("a Logger got %q, want three lines with the subject", got)
		}
	})
}

// TestOneErrorPerFailure: a request that meets an outage reports one error,
// however often it tried. An operation of the store has one Duration, so that
// sums are right.
func TestOneErrorPerFailure(t *testing.T) {
	for name, act := range map[string]func(*session.Session[cart]) error{
		"update": incremented,
		"login":  loggedIn,
		"renew":  func(s *session.Session[cart]) error { return s.Renew() },
		"logout": func(s *session.Session[cart]) error { return s.Destroy() },
		"both":   func(s *session.Session[cart]) error { return errors.Join(s.Destroy(), s.Login("bob", nil)) },
		"commit": func(s *session.Session[cart]) error {
			err := s.Update(increment)
			_ = s.Commit(context.Background())
			return err
		},
		"touch": func(s *session.Session[cart]) error { _ = s.Touch(context.Background()); return nil },
		"take": func(s *session.Session[cart]) error {
			_, _ = session.Take(context.Background(), s, func(c *cart) int { c.N++; return c.N })
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, b := newSite(t, nil), &browser{}
				si.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("alice", nil), s.Update(increment)) })
				r := si.begin(b)
				s := r.get()
				si.kinds()
				si.store.down()
				if err := act(s); err != nil {
					t.Fatal(err)
				}
				_, _ = r.respond()
				_ = r.Finish()
				count := 0
				for _, kind := range si.kinds() {
					if kind == session.EventError {
						count++
					}
				}
				if count != 1 {
					t.Errorf("got %d errors, want 1", count)
				}
			})
		})
	}
	t.Run("load", func(t *testing.T) {
		si, b := newSite(t, nil), &browser{}
		si.visit(b, loggedIn)
		si.kinds()
		si.store.down()
		r := si.begin(b)
		for range 3 {
			_, _ = si.Get(r)
		}
		_, _ = r.respond()
		_ = r.Finish()
		if got := si.kinds(); len(got) != 1 {
			t.Errorf("got %v, want one error", got)
		}
	})
	t.Run("durations", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			si, b := newSite(t, nil), &browser{}
			si.store.hook(func(string, session.ID) error { time.Sleep(time.Second); return nil }, nil)
			si.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("alice", nil), s.Update(increment)) })
			si.visit(b, func(s *session.Session[cart]) error { return errors.Join(s.Login("bob", nil), s.Update(increment)) })
			var sum time.Duration
			for _, e := range si.events {
				sum += e.Duration
			}
			if calls := si.store.took(); sum != time.Duration(len(calls))*time.Second {
				t.Errorf("the durations sum up to %v, want a second for each of %v", sum, calls)
			}
		})
	})
}

// TestPlainHTTP: cookies that browsers drop cause one warning.
func TestPlainHTTP(t *testing.T) {
	log := captureDefaultLog(t)
	for _, test := range []struct {
		host   string
		cookie session.Cookie
		secure bool
		want   int
	}{
		{host: "shop.example:8080", want: 1},
		{host: "192.168.1.7", want: 1},
		{host: "[2001:db8::1]:80", want: 1},
		{host: "localhost.example", want: 1},
		{host: "shop.example", secure: true},
		{host: "shop.example", cookie: session.Cookie{Insecure: true}},
		{host: "localhost:8080"},
		{host: "LOCALHOST"},
		{host: "app.localhost:80"},
		{host: "127.0.0.1:8080"},
		{host: "[::1]:8080"},
		{host: "::1"},
	} {
		m := program[cart](t, newTestStore(), &session.Options{Cookie: test.cookie})
		for i := range 3 {
			x := new(session.Exchange)
			x.Begin(t.Context(), m, nil)
			s, err := m.Get(x)
			if err == nil && i > 0 { // the first visit sets no cookie
				err = s.Update(increment)
			}
			_, commitErr := x.Commit(session.Response{Plain: !test.secure, Host: test.host})
			if err := errors.Join(err, commitErr); err != nil {
				t.Fatal(err)
			}
			if got := log(); i == 0 && len(got) != 0 || i == 1 && len(got) != test.want || i == 2 && len(got) != 0 {
				t.Errorf("%+v, visit %d: got %q", test, i, got)
			} else if len(got) > 0 && (!strings.Contains(got[0], "level=WARN") || !strings.Contains(got[0], "plain http")) {
				t.Errorf("%+v: got %q", test, got)
			}
		}
	}
}
