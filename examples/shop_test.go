package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func TestCart(t *testing.T) {
	full := slices.Repeat([]line{{"x", 1}}, 20)
	add := func(goods, amount string) []string { return []string{"/cart/add", "goods", goods, "amount", amount} }
	for _, test := range []struct {
		name string
		cart []line
		ask  []string
		want []line
		code int
	}{
		{"add to an empty cart", nil, add("Tea", "2"), []line{{"Tea", 2}}, 303},
		{"add another", []line{{"Tea", 1}}, add("Milk", "1"), []line{{"Tea", 1}, {"Milk", 1}}, 303},
		{"add the same again", []line{{"Tea", 1}}, add(" Tea ", "3"), []line{{"Tea", 4}}, 303},
		{"add nothing", nil, add("  ", "1"), nil, 400},
		{"add a long name", nil, add(strings.Repeat("x", 101), "1"), nil, 400},
		{"add none", nil, add("Tea", "0"), nil, 400},
		{"add no number", nil, add("Tea", "two"), nil, 400},
		{"add to a full cart", full, add("Tea", "1"), full, 400},
		{"one less of two", []line{{"Tea", 2}}, []string{"/cart/less", "goods", "Tea"}, []line{{"Tea", 1}}, 303},
		{"one less of one", []line{{"Milk", 1}, {"Tea", 1}}, []string{"/cart/less", "goods", "Tea"}, []line{{"Milk", 1}}, 303},
		{"remove all of two", []line{{"Tea", 2}}, []string{"/cart/remove", "goods", "Tea"}, nil, 303},
		{"remove what is not there", []line{{"Tea", 1}}, []string{"/cart/remove", "goods", "Milk"}, []line{{"Tea", 1}}, 303},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTestSite(t)
			ctx, v := s.given(t, session.Info[visitor]{Data: visitor{Cart: test.cart}})
			a := s.ask(t, ctx, "POST", test.ask[0], test.ask[1:]...)
			if got := v.Data().Cart; a.status != test.code || !slices.Equal(got, test.want) {
				t.Errorf("got %d and the cart %v, want %d and %v", a.status, got, test.code, test.want)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	s := newTestSite(t)
	ctx, v := s.given(t, session.Info[visitor]{Data: visitor{Cart: []line{{"Tea", 1}}}})
	for name, password := range map[string]string{"ann": "black-tea", "nobody": "green-tea", "": ""} {
		a := s.ask(t, ctx, "POST", "/login", "name", name, "password", password)
		if a.status != 403 || !strings.Contains(string(a.body), "do not belong together") || v.Subject() != "" {
			t.Errorf("%q with %q: got status %d and the subject %q, want 403 and none", name, password, a.status, v.Subject())
		}
	}
	a := s.ask(t, ctx, "POST", "/login", "name", "ann", "password", "green-tea", "next", "/account", "remember", "on")
	if got := a.header.Get("Location"); got != "/account" || v.Subject() != "ann" || !v.Remembered() {
		t.Errorf("got %q as %q, remembered: %t; want /account as ann, remembered", got, v.Subject(), v.Remembered())
	}
	if got := v.Data(); len(got.Cart) != 1 || got.Device == "" || got.Note == "" {
		t.Errorf("after the login: got %+v, want the cart, a device and a note", got)
	}
	s.ask(t, ctx, "POST", "/logout")
	if got := v.Data(); v.Subject() != "" || len(got.Cart) != 0 {
		t.Errorf("after the logout: got %q with %+v, want neither", v.Subject(), got)
	}
}

// store stores a session, as if of another device.
func (s *site) stored(t *testing.T, subject string) session.ID {
	t.Helper()
	_, v := s.given(t, session.Info[visitor]{Subject: subject})
	return v.ID()
}

// TestEndDevices: users end their own sessions, and nobody else's.
func TestEndDevices(t *testing.T) {
	s := newTestSite(t)
	this := session.NewID()
	ctx, v := s.given(t, session.Info[visitor]{ID: this, Subject: "ann"})
	phone, bobs := s.stored(t, "ann"), s.stored(t, "bob")
	for _, test := range []struct {
		id   string
		code int
		left int // sessions of ann
	}{
		{"nonsense", 400, 2},
		{bobs.String(), 404, 2},
		{phone.String(), 303, 1},
		{phone.String(), 303, 1},
	} {
		a := s.ask(t, ctx, "POST", "/account/end", "id", test.id)
		list, err := s.sessions.List(ctx, "ann")
		if a.status != test.code || len(list) != test.left || err != nil {
			t.Errorf("%s: got %d, %d sessions and %v, want %d and %d", test.id, a.status, len(list), err, test.code, test.left)
		}
	}
	s.stored(t, "ann")
	s.ask(t, ctx, "POST", "/account/others")
	if list, err := s.sessions.List(ctx, "ann"); len(list) != 1 || list[0].ID != this || err != nil {
		t.Errorf("others ended: got %v and %v, want only this device", list, err)
	}
	s.stored(t, "ann")
	s.ask(t, ctx, "POST", "/account/everywhere")
	if err := v.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if list, err := s.sessions.List(ctx, "ann"); len(list) != 0 || err != nil {
		t.Errorf("ended everywhere: got %v and %v, want none", list, err)
	}
	if list, err := s.sessions.List(ctx, "bob"); len(list) != 1 || err != nil {
		t.Errorf("got %v and %v of bob, want one", list, err)
	}
}

func TestChangePassword(t *testing.T) {
	s := newTestSite(t)
	ctx, v := s.given(t, session.Info[visitor]{Subject: "ann", AuthenticatedAt: time.Now()})
	s.stored(t, "ann")
	for _, short := range []string{"", "short", strings.Repeat("x", 73)} {
		if a := s.ask(t, ctx, "POST", "/account/password", "password", short); a.status != 400 {
			t.Errorf("password of %d bytes: got status %d, want 400", len(short), a.status)
		}
	}
	s.ask(t, ctx, "POST", "/account/password", "password", "white-tea")
	if err := v.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if list, err := s.sessions.List(ctx, "ann"); len(list) != 1 || list[0].ID != v.ID() || err != nil {
		t.Errorf("got %v and %v, want only the session that changed it", list, err)
	}
	for password, want := range map[string]bool{"green-tea": false, "white-tea": true} {
		if got, err := s.users.check(ctx, "ann", password); got != want || err != nil {
			t.Errorf("%s is right: got %t and %v, want %t", password, got, err, want)
		}
	}
}

func TestAdmin(t *testing.T) {
	s := newTestSite(t)
	ctx, v := s.given(t, session.Info[visitor]{Subject: "admin"})
	first := s.stored(t, "ann")
	s.stored(t, "ann")
	s.ask(t, ctx, "POST", "/admin/note", "user", "ann", "note", "Closed on Sunday")
	if info, err := s.sessions.Find(ctx, first); info.Data.Note != "Closed on Sunday" || err != nil {
		t.Errorf("got the note %q and %v", info.Data.Note, err)
	}
	s.ask(t, ctx, "POST", "/admin/end", "id", first.String())
	if list, err := s.sessions.List(ctx, "ann"); len(list) != 1 || err != nil {
		t.Errorf("one ended: got %v and %v, want one", list, err)
	}
	s.ask(t, ctx, "POST", "/admin/end-all", "user", "ann")
	if list, err := s.sessions.List(ctx, "ann"); len(list) != 0 || err != nil {
		t.Errorf("all ended: got %v and %v, want none", list, err)
	}
	if v.Subject() != "admin" {
		t.Errorf("got the subject %q, want admin still", v.Subject())
	}
}
