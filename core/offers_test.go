package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// Law 19: a request that came before its browser could have the new secret is
// offered no other secret, however long it takes. If its response is lost, the
// browser still has the first new one.
func TestLongRequestIsOfferedNoSecret(t *testing.T) {
	for name, act := range map[string]func(*session.Session[cart]) error{"reads": look, "changes": incremented} {
		for _, before := range []bool{true, false} {
			when := map[bool]string{true: "loaded before the renewal", false: "loaded after it"}[before]
			t.Run(name+", "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					si, b := newSite(t, &session.Options{RenewEvery: 10 * time.Minute}), &browser{}
					si.visit(b, loggedIn)
					time.Sleep(9*time.Minute + 50*time.Second)
					long := si.begin(&browser{b.cookie})
					if before {
						long.get()
					}
					time.Sleep(10 * time.Second)
					was := b.cookie
					if si.visit(b, look); b.cookie == was {
						t.Fatal("not renewed")
					}
					s := long.get()
					time.Sleep(2 * time.Minute)
					if err := act(s); err != nil {
						t.Fatal(err)
					}
					if _, err := long.respond(); err != nil {
						t.Fatal(err)
					}
					if got := si.begin(b).get().Subject(); got != "alice" {
						t.Errorf("got subject %q, want alice: the browser has the secret that it was given", got)
					}
				})
			})
		}
	}
}

// Law 7: if a login cannot go on in a new session, because a change that came
// with it is refused there, it is no success.
func TestLoginThatCannotGoOn(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	r := si.begin(b)
	s := r.get()
	errEmpty := errors.New("the cart is empty")
	if err := errors.Join(s.Login("alice", nil), s.Update(func(c *cart) error {
		if c.N == 0 {
			return errEmpty
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	if err := si.Revoke(t.Context(), s.ID()); err != nil {
		t.Fatal(err)
	}
	if h, err := r.respond(); err == nil && cookieOf(h) == "" {
		t.Error("the response is a success, and nobody is logged in")
	} else if !errors.Is(err, session.ErrConflict) || !errors.Is(err, errEmpty) {
		t.Errorf("got %v, want ErrConflict and why", err)
	}
}

// Law 3: what a straggler does after such a login sets no cookie either.
func TestStragglerAfterALoginThatCannotGoOn(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	r := si.begin(&browser{b.cookie})
	s := r.get()
	if err := errors.Join(s.Login("alice", nil), s.Update(func(c *cart) error {
		if c.N == 0 {
			return errors.New("the cart is empty")
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	si.visit(b, loggedIn)
	if err := s.Commit(t.Context()); !errors.Is(err, session.ErrConflict) {
		t.Errorf("Commit: got %v, want ErrConflict", err)
	}
	if err := s.Update(increment); !errors.Is(err, session.ErrSuperseded) {
		t.Errorf("Update: got %v, want ErrSuperseded", err)
	}
	if h, err := r.respond(); err != nil || cookieOf(h) != "" || h.RetryAfter == "" {
		t.Errorf("got %v, %+v: want no cookie over the newer login, and when to come again", err, h)
	}
}
