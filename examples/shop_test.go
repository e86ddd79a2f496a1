package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

func newShop(t *testing.T) *shop {
	t.Helper()
	sessions, err := session.New[visitor](memory.New(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &shop{sessions}
}

// after is what the session of a context holds.
func (s *shop) after(t *testing.T, ctx context.Context) visitor {
	t.Helper()
	current, err := s.sessions.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return current.Data()
}

func TestCart(t *testing.T) {
	full := slices.Repeat([]line{{"x", 1}}, 20)
	long := strings.Repeat("x", 101)
	for _, test := range []struct {
		name     string
		cart     []line
		do       func(*shop, context.Context) error
		want     []line
		wantFail bool
	}{
		{"add to an empty cart", nil, adding("Tea"), []line{{"Tea", 1}}, false},
		{"add another", []line{{"Tea", 1}}, adding("Milk"), []line{{"Tea", 1}, {"Milk", 1}}, false},
		{"add the same again", []line{{"Tea", 1}}, adding(" Tea "), []line{{"Tea", 2}}, false},
		{"add nothing", nil, adding("  "), nil, true},
		{"add a long name", nil, adding(long), nil, true},
		{"add to a full cart", full, adding("Tea"), full, true},
		{"remove one of two", []line{{"Tea", 2}}, removing("Tea"), []line{{"Tea", 1}}, false},
		{"remove the last", []line{{"Milk", 1}, {"Tea", 1}}, removing("Milk"), []line{{"Tea", 1}}, false},
		{"remove what is not there", []line{{"Tea", 1}}, removing("Milk"), []line{{"Tea", 1}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop(t)
			ctx := s.sessions.NewContext(t.Context(), session.Info[visitor]{Data: visitor{Cart: test.cart}})
			err := test.do(s, ctx)
			if got := errors.Is(err, errInput); got != test.wantFail {
				t.Errorf("error %v, want errInput: %v", err, test.wantFail)
			}
			if got := s.after(t, ctx).Cart; !slices.Equal(got, test.want) {
				t.Errorf("cart: got %v, want %v", got, test.want)
			}
		})
	}
}

func adding(goods string) func(*shop, context.Context) error {
	return func(s *shop, ctx context.Context) error { return s.add(ctx, goods) }
}

func removing(goods string) func(*shop, context.Context) error {
	return func(s *shop, ctx context.Context) error { return s.remove(ctx, goods) }
}

func TestVisit(t *testing.T) {
	s := newShop(t)
	ctx := s.sessions.NewContext(t.Context(), session.Info[visitor]{Subject: "ann", Data: visitor{Visits: 6}})
	p, err := s.visit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if p.Visits != 7 || p.Name != "ann" {
		t.Errorf("got visit %d of %q, want visit 7 of ann", p.Visits, p.Name)
	}
	if p.Left <= 0 {
		t.Errorf("got %v left, want some time", p.Left)
	}
}

func TestLogin(t *testing.T) {
	s := newShop(t)
	ctx := s.sessions.NewContext(t.Context(), session.Info[visitor]{Data: visitor{Cart: []line{{"Tea", 1}}}})
	if err := s.login(ctx, " "); !errors.Is(err, errInput) {
		t.Errorf("login without a name: got %v, want errInput", err)
	}
	if err := s.login(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	current, _ := s.sessions.Get(ctx)
	if got := current.Subject(); got != "ann" {
		t.Errorf("subject: got %q, want ann", got)
	}
	if got := current.Data().Cart; len(got) != 1 {
		t.Errorf("cart after login: got %v, want what it held before", got)
	}
	if err := s.logout(ctx); err != nil {
		t.Fatal(err)
	}
	if got := current.Data().Cart; current.Subject() != "" || len(got) != 0 {
		t.Errorf("after logout: got subject %q and cart %v, want neither", current.Subject(), got)
	}
}

func TestWithoutMiddleware(t *testing.T) {
	s := newShop(t)
	if _, err := s.visit(t.Context()); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("got %v, want ErrNoSession", err)
	}
}

func TestStatus(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{errInput, http.StatusBadRequest},
		{session.ErrConflict, http.StatusConflict},
		{session.ErrUnavailable, http.StatusServiceUnavailable},
		{errors.New("anything else"), http.StatusInternalServerError},
	} {
		if got := status(test.err); got != test.want {
			t.Errorf("status(%v): got %d, want %d", test.err, got, test.want)
		}
	}
}
