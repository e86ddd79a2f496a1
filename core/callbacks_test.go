package session_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// inquisitive is a log handler that looks up the user of the request, as an
// application's may.
type inquisitive struct {
	slog.Handler
	ask func(ctx context.Context)
}

func (h inquisitive) Enabled(context.Context, slog.Level) bool { return true }

func (h inquisitive) Handle(ctx context.Context, _ slog.Record) error { h.ask(ctx); return nil }

// A log handler may ask for the session, even when the time of the request is
// over.
func TestLoggerMayGetAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var si *site
		depth := 0
		si = newSite(t, &session.Options{Logger: slog.New(inquisitive{slog.DiscardHandler, func(ctx context.Context) {
			if depth++; depth < 1000 { // else the stack overflows, which ends the program
				_, _ = si.Get(ctx)
			}
		}})})
		b := &browser{}
		si.visit(b, loggedIn)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		x := new(session.Exchange)
		x.Begin(ctx, si, b.lines())
		time.Sleep(2 * time.Second)
		depth = 0
		_, err := si.Get(x)
		if depth > 10 {
			t.Errorf("%v: Get and the logger called each other %d times", err, depth)
		}
	})
}

// If a job's session has passed to another user, the job does not write into
// that user's data. The change counts as if it came before the login, which
// emptied the data.
func TestJobMeetsAnotherLogin(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, loggedIn)
	id := si.begin(b).get().ID()
	si.store.once("update", func() {
		si.visit(b, func(s *session.Session[cart]) error { return s.Login("bob", nil) })
	})
	if err := si.Update(t.Context(), id, add("alice's diary")); err != nil && !errors.Is(err, session.ErrNotFound) {
		t.Fatal(err)
	}
	if got := si.data(b).Items; len(got) != 0 {
		t.Errorf("bob sees %q", got)
	}
}

// The handle can still be read after a Commit that found the session ended.
func TestDestroyAfterTheEnd(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, loggedIn)
	r := si.begin(b)
	s := r.get()
	_ = si.Revoke(t.Context(), s.ID())
	_ = s.Update(increment)
	if err := s.Commit(t.Context()); !errors.Is(err, session.ErrNotFound) {
		t.Fatal(err)
	}
	if err := s.Destroy(); err != nil {
		t.Errorf("Destroy of what another has ended, found so by Commit: got %v; found so by Destroy it is no error", err)
	}
}

// If an Update function begins the response when it runs again in Commit,
// nothing is stored, and the client gets an error.
func TestResponseBegunByAReplay(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, loggedIn)
	r := si.begin(b)
	s := r.get()
	var answered error
	if err := s.Update(func(c *cart) error {
		if c.N > 0 {
			_, answered = r.Commit(session.Response{}) // http.Error(w, "sold out", 409)
		}
		c.N += 10
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	si.visit(b, incremented)
	err := s.Commit(t.Context())
	if answered == nil {
		t.Fatal("not run again")
	}
	if got := si.data(b).N; err == nil || got != 1 {
		t.Errorf("the client was told %v, Commit says %v, and N is %d, want 1", answered, err, got)
	}
}
