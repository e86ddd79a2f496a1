package nethttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestRoute: events hold the pattern of the route, not the path.
func TestRoute(t *testing.T) {
	var routes []string
	m, err := session.New[cart](adaptertest.NewStore(), &session.Options{Observer: func(_ context.Context, e session.Event) {
		routes = append(routes, e.Route)
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /items/{item}", func(_ http.ResponseWriter, r *http.Request) {
		s, err := m.Get(r.Context())
		if err == nil {
			err = s.Update(add(r.PathValue("item")))
		}
		if err != nil {
			t.Error(err)
		}
	})
	nethttp.Middleware(m, nil)(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/items/bread", nil))
	if len(routes) != 1 || routes[0] != "POST /items/{item}" {
		t.Errorf("got the routes %q of the events, want one, the pattern", routes)
	}
}

// TestSharedBeforeRouting: a middleware may share its session with a goroutine
// while the router still writes the route into the request.
func TestSharedBeforeRouting(t *testing.T) {
	var routes []string
	m, err := session.New[cart](adaptertest.NewStore(), &session.Options{Observer: func(_ context.Context, e session.Event) {
		routes = append(routes, string(e.Kind)+": "+e.Route)
	}})
	if err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /items/{item}", func(_ http.ResponseWriter, r *http.Request) {
		if err := <-committed; err != nil {
			t.Error(err)
		}
		s, err := m.Get(r.Context())
		if err == nil {
			err = s.Update(add("butter"))
		}
		if err != nil {
			t.Error(err)
		}
	})
	shares := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.Get(r.Context())
		if err == nil {
			err = s.Update(add("bread"))
		}
		if err != nil {
			t.Error(err)
		}
		ctx := r.Context()
		go func() { committed <- s.Commit(ctx) }()
		mux.ServeHTTP(w, r)
	})
	nethttp.Middleware(m, nil)(shares).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/items/bread", nil))
	if want := []string{"created: ", "changed: POST /items/{item}"}; !slices.Equal(routes, want) {
		t.Errorf("got the events %q, want %q", routes, want)
	}
}
