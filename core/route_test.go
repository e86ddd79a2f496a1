package session_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

// a street is a route that counts who asks for it.
type street struct {
	name  string
	asked int
}

func (s *street) Route() string {
	s.asked++
	return s.name
}

// Events name their route, as long as the request lasts.
func TestRoute(t *testing.T) {
	for name, end := range map[string]func(*request){
		"Finish":  func(r *request) { _ = r.Finish() },
		"Discard": func(r *request) { r.Discard() },
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			si := newSite(t, &session.Options{Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			b := &browser{}
			r := si.begin(b)
			route := &street{name: "POST /items"}
			r.Route = route
			s := r.get()
			if err := s.Update(increment); err != nil {
				t.Fatal(err)
			}
			if _, err := r.respond(); err != nil {
				t.Fatal(err)
			}
			if err := si.Revoke(r, s.ID()); err != nil { // as a handler does
				t.Fatal(err)
			}
			end(r)
			for _, e := range si.events {
				if e.Route != "POST /items" {
					t.Errorf("event %q has the route %q", e.Kind, e.Route)
				}
			}
			if len(si.events) != 2 || !strings.Contains(logged.String(), `route="POST /items"`) {
				t.Errorf("got the events %+v, and the log %s", si.events, &logged)
			}

			// A framework may have given the request's memory to another one.
			asked := route.asked
			si.store.down("load")
			if err := si.Revoke(r, s.ID()); err == nil {
				t.Fatal("the store is down")
			}
			if _, err := si.Get(r); err != nil {
				t.Fatal(err)
			}
			if route.asked != asked || si.events[2].Route != "POST /items" {
				t.Errorf("after the request: asked %d times more, and the event has the route %q", route.asked-asked, si.events[2].Route)
			}
		})
	}
}

// TestRouteIsNotAskedBySession: a goroutine that uses a session that it was
// given reads nothing of the router's.
func TestRouteIsNotAskedBySession(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	r := si.begin(b)
	route := &street{}
	r.Route = route
	s := r.get()
	asked := route.asked
	route.name = "POST /items"
	for _, act := range []func() error{
		func() error { return s.Update(increment) },
		func() error { return s.Commit(t.Context()) }, // created
		func() error { return s.Login("alice", nil) },
		func() error { return s.Commit(t.Context()) }, // renewed, login
		func() error { return si.Revoke(r, session.NewID()) },
		func() error { return s.Update(increment) },
	} {
		if err := act(); err != nil {
			t.Fatal(err)
		}
	}
	if route.asked != asked {
		t.Errorf("the route was asked %d times", route.asked-asked)
	}
	if _, err := r.respond(); err != nil { // changed
		t.Fatal(err)
	}
	route.name = "" // as of a router that is done
	if err := s.Update(increment); err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(); err != nil { // changed
		t.Fatal(err)
	}
	var got []string
	for _, e := range si.events {
		got = append(got, string(e.Kind)+": "+e.Route)
	}
	want := []string{
		"created: ", "renewed: ", "login: ",
		"changed: POST /items", "changed: POST /items",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got the events %q, want %q", got, want)
	}
}

// TestRouteUnwatched: without a Logger and an Observer, Route is not called.
func TestRouteUnwatched(t *testing.T) {
	m, err := session.New[cart](newTestStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var x session.Exchange
	x.Begin(t.Context(), m, nil)
	route := &street{}
	x.Route = route
	s, err := m.Get(&x)
	if err == nil {
		err = s.Update(increment)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Commit(session.Response{}); err != nil || x.Finish() != nil || route.asked > 0 {
		t.Errorf("the route was asked %d times (%v), want never", route.asked, err)
	}
}
