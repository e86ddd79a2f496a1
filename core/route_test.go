package session_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/gostateful/session/core"
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

// Events say by which route they came, as long as the request lasts.
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
			if err := si.Revoke(r, session.NewID()); err != nil { // as a handler does
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
			if err := si.Revoke(r, session.NewID()); err != nil {
				t.Fatal(err)
			}
			if route.asked != asked || si.events[2].Route != "" {
				t.Errorf("after the request: asked %d times more, and the event has the route %q", route.asked-asked, si.events[2].Route)
			}
		})
	}
}
