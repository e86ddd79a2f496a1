package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func TestNewReturnsEveryFault(t *testing.T) {
	_, err := session.New[cart](nil, &session.Options{
		IdleTimeout:     -time.Second,
		Lifetime:        time.Microsecond,
		StoreTimeout:    -1,
		MaxBytes:        -1,
		RenewEvery:      -time.Minute,
		StragglerWindow: -1,
		Remember:        session.Clocks{IdleTimeout: -1},
		MaxPerSubject:   -1,
		Codec:           session.Codec{Marshal: json.Marshal},
		Cookie:          session.Cookie{Name: "__Host-x", Path: "x", Insecure: true, SameSite: http.SameSiteNoneMode},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"New needs a store", "IdleTimeout -1s", "Lifetime 1µs", "StoreTimeout -1ns", "MaxBytes -1", "RenewEvery -1m0s",
		"StragglerWindow -1ns", "Codec.Name", "Marshal and Unmarshal", "Cookie.Path \"x\" must begin", "has the path /",
		"Insecure", "SameSite=None", "Remember {-1ns", "MaxPerSubject -1",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell of %q:\n%v", want, err)
		}
	}

	for _, opts := range []session.Options{
		{IdleTimeout: 2 * time.Hour, Lifetime: time.Hour},
		{RenewEvery: time.Minute, StragglerWindow: time.Minute},
		{RenewEvery: time.Second}, // the default grace is longer
		{Remember: session.Clocks{IdleTimeout: 2 * time.Hour, Lifetime: time.Hour}},
		{Remember: session.Clocks{IdleTimeout: time.Hour}}, // needs a Lifetime
		{Remember: session.Clocks{Lifetime: 101 * 365 * day}},
		{Remember: session.Clocks{Lifetime: 401 * day}}, // the browser drops the cookie, and nothing sends it again
	} {
		if _, err := session.New[cart](newTestStore(), &opts); err == nil {
			t.Errorf("%+v was accepted", opts)
		}
	}
	for _, opts := range []session.Options{
		{Remember: session.Clocks{Lifetime: time.Hour}}, // idle for as long
		{Remember: session.Clocks{Lifetime: 401 * day}, RenewEvery: 200 * day},
	} {
		if _, err := session.New[cart](newTestStore(), &opts); err != nil {
			t.Errorf("%+v: %v", opts, err)
		}
	}
	if _, err := session.New[chan int](newTestStore(), nil); err == nil {
		t.Error("a type that JSON cannot encode was accepted")
	}
	if _, err := session.New[cart](newTestStore(), &session.Options{Lifetime: time.Minute}); err != nil {
		t.Errorf("a Lifetime below the default IdleTimeout: %v", err)
	}
}

// The IDs of NewID keep sessions apart. So a generator that fails is an error,
// never a shared session.
func TestNewID(t *testing.T) {
	var ids []session.ID
	si := newSite(t, &session.Options{NewID: func() session.ID {
		if len(ids) == 0 {
			return session.ID{}
		}
		id := ids[0]
		if len(ids) > 1 {
			ids = ids[1:]
		}
		return id
	}})
	one, two := session.NewID(), session.NewID()

	b := &browser{}
	r := si.begin(b)
	_ = r.get().Update(increment)
	if _, err := r.respond(); err == nil || len(si.store.took()) > 0 || b.cookie != "" {
		t.Errorf("the zero ID: got %v", err)
	}

	ids = []session.ID{one}
	si.visit(&browser{}, incremented)
	ids = []session.ID{one, two}
	si.visit(b, incremented)
	if si.store.count() != 2 {
		t.Errorf("%d sessions, want 2: a taken ID is tried again with another", si.store.count())
	}
	ids = []session.ID{one}
	r = si.begin(&browser{})
	_ = r.get().Update(increment)
	if _, err := r.respond(); !errors.Is(err, session.ErrExists) {
		t.Errorf("an ID that repeats: got %v, want ErrExists", err)
	}
	if si.data(b).N != 1 {
		t.Error("another session was changed")
	}
}

func TestNewContext(t *testing.T) {
	m, err := session.New[cart](newTestStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := m.NewContext(t.Context(), session.Info[cart]{Subject: "alice", Data: cart{N: 3}})
	s, err := m.Get(context.WithValue(ctx, "k", "v")) //lint:ignore SA1029 any key will do
	if err != nil {
		t.Fatal(err)
	}
	if s.Subject() != "alice" || s.Data().N != 3 || s.IsNew() || s.AuthenticatedAt().IsZero() || s.ID().IsZero() {
		t.Errorf("got %+v of %q", s.Data(), s.Subject())
	}
	if err := errors.Join(s.Update(increment), s.Login("bob", nil), s.Commit(ctx), s.Update(increment), s.Commit(ctx)); err != nil {
		t.Error(err)
	}
	if again, err := m.Get(ctx); err != nil || again.Data().N != 1 || again.Subject() != "bob" {
		t.Errorf("got %+v, %v", again.Data(), err)
	}
	if err := errors.Join(s.Destroy(), s.Update(add("x")), s.Commit(ctx)); err != nil || s.Subject() != "" {
		t.Error(err)
	}
	for err, want := range map[error]int{
		session.ErrNoSession: 500, session.ErrUnavailable: 503, session.ErrConflict: 409, session.ErrSuperseded: 409, session.ErrNotFound: 409,
		fmt.Errorf("%w: %w", session.ErrUndecodable, session.ErrNotFound): 500,
	} {
		if got := session.HTTPStatus(err); got != want {
			t.Errorf("%v: got status %d, want %d", err, got, want)
		}
	}

	// The same through a middleware, as often as the test likes.
	ctx = m.NewContext(t.Context(), session.Info[cart]{Subject: "alice", Data: cart{N: 3}})
	for range 2 {
		x := new(session.Exchange)
		x.Begin(ctx, m, []string{"__Host-session=" + strings.Repeat("QUJD", 16)})
		s, err = m.Get(x)
		if err != nil || s.Subject() != "alice" {
			t.Fatalf("got %q, %v", s.Subject(), err)
		}
		if err := errors.Join(s.Update(increment), s.Renew()); err != nil {
			t.Error(err)
		}
		if h, err := x.Commit(session.Response{}); err != nil || cookieOf(h) != "" || x.Finish() != nil {
			t.Errorf("the response gets %+v, %v", h, err)
		}
	}
	panicked := new(session.Exchange)
	panicked.Begin(ctx, m, nil)
	if _, err := m.Get(panicked); err != nil {
		t.Error(err)
	}
	panicked.Discard()
	if err := s.Renew(); err != nil {
		t.Errorf("after a handler that panicked: %v", err)
	}
	if again, err := m.Get(ctx); err != nil || again.Data().N != 5 {
		t.Errorf("got %+v, %v; want what the handler made of it", again.Data(), err)
	}

	type odd struct{ V fmt.Stringer } // encodes, and does not decode
	odds := program[odd](t, newTestStore(), nil)
	if _, err := odds.Get(odds.NewContext(t.Context(), session.Info[odd]{Data: odd{time.Second}})); err == nil {
		t.Error("data that cannot be decoded was accepted")
	}

	anonymous, err := m.Get(m.NewContext(t.Context(), session.Info[cart]{}))
	if err != nil || anonymous.Subject() != "" || !anonymous.AuthenticatedAt().IsZero() {
		t.Errorf("got %v", err)
	}
	until := anonymous.ExpiresAt()
	if err := errors.Join(anonymous.Update(increment), anonymous.Commit(t.Context())); err != nil || !anonymous.ExpiresAt().Equal(until) {
		t.Errorf("after a Commit it expires at %v, want %v (%v)", anonymous.ExpiresAt(), until, err)
	}
}
