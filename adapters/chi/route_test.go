package sessionchi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	sessionchi "github.com/gostateful/session/adapters/chi"
	session "github.com/gostateful/session/core"
)

// watched is a site that keeps the routes of its events.
type watched struct {
	site
	mu     sync.Mutex
	routes []string // each with the kind of the event
}

func watch(t *testing.T) *watched {
	t.Helper()
	si := &watched{}
	si.site = newSite(t, &session.Options{Observer: func(_ context.Context, e session.Event) {
		si.mu.Lock()
		defer si.mu.Unlock()
		si.routes = append(si.routes, string(e.Kind)+": "+e.Route)
	}})
	return si
}

// took returns what was seen since the last call.
func (si *watched) took() []string {
	si.mu.Lock()
	defer si.mu.Unlock()
	defer func() { si.routes = nil }()
	return si.routes
}

// handler counts a visit.
func (si *watched) handler(t *testing.T) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		s, err := si.Get(r.Context())
		if err == nil {
			err = s.Update(count)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// asks is a middleware that asks for the session.
func (si *watched) asks(t *testing.T) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := si.Get(r.Context()); err != nil {
				t.Error(err)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// TestRoute: events hold the whole pattern of the route, at any place of the
// middleware in the routers.
func TestRoute(t *testing.T) {
	copies := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r.WithContext(r.Context())) })
	}
	for name, test := range map[string]struct {
		build  func(r chi.Router, sessions, asks func(http.Handler) http.Handler, h http.HandlerFunc)
		method string // of the request, for /shop/items/7
		loaded string // the route when the session is loaded, if it is another one
		want   string
	}{
		"Use": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Use(sessions)
			r.Post("/shop/items/{id}", h)
		}, "POST", "", "POST /shop/items/{id}"},
		"With": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.With(sessions).Put("/shop/items/{id:[0-9]+}", h)
		}, "PUT", "", "PUT /shop/items/{id:[0-9]+}"},
		"Group": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Group(func(r chi.Router) {
				r.Use(sessions)
				r.Post("/shop/items/{id}", h)
			})
		}, "POST", "", "POST /shop/items/{id}"},
		"Route": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Route("/shop", func(r chi.Router) {
				r.Use(sessions)
				r.Post("/items/{id}", h)
			})
		}, "POST", "", "POST /shop/items/{id}"},
		"AroundRoute": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Use(sessions)
			r.Route("/shop", func(r chi.Router) { r.Post("/items/{id}", h) })
		}, "POST", "", "POST /shop/items/{id}"},
		"Mount": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			items, shop := chi.NewRouter(), chi.NewRouter()
			items.Use(sessions)
			items.Post("/{id}", h)
			shop.Mount("/items", items)
			r.Mount("/shop", shop)
		}, "POST", "", "POST /shop/items/{id}"},
		"MountedHandler": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Use(sessions)
			r.Mount("/shop/items", h)
		}, "DELETE", "", "DELETE /shop/items/*"},
		"RequestCopied": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Use(sessions, copies, middleware.Timeout(time.Minute), middleware.RequestID)
			r.Post("/shop/items/{id}", h)
		}, "POST", "", "POST /shop/items/{id}"},
		"GetHead": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Use(sessions, middleware.GetHead)
			r.Get("/shop/items/{id}", h)
		}, "HEAD", "", "GET /shop/items/{id}"},
		"AskedBeforeRouting": {func(r chi.Router, sessions, asks func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Use(sessions, asks)
			r.Post("/shop/items/{id}", h)
		}, "POST", "none", "POST /shop/items/{id}"},
		"AskedOnTheWay": {func(r chi.Router, sessions, asks func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Use(sessions)
			r.Route("/shop", func(r chi.Router) {
				r.Use(asks)
				r.Post("/items/{id}", h)
			})
		}, "POST", "POST /shop/*", "POST /shop/items/{id}"},
		"NotFound": {func(r chi.Router, sessions, _ func(http.Handler) http.Handler, h http.HandlerFunc) {
			r.Use(sessions)
			r.Get("/", h)
			r.NotFound(h)
		}, "POST", "", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			si := watch(t)
			r := chi.NewRouter()
			test.build(r, sessionchi.Middleware(si.Manager, nil), si.asks(t), si.handler(t))
			loaded := test.loaded
			if loaded == "" {
				loaded = test.want
			}
			var cookie string
			for _, events := range [][]string{{"created: " + test.want}, {"loaded: " + loaded, "changed: " + test.want}} {
				request := httptest.NewRequest(test.method, "/shop/items/7", nil)
				request.Header.Set("Cookie", cookie)
				w := httptest.NewRecorder()
				r.ServeHTTP(w, request)
				for i := range events {
					events[i] = strings.Replace(events[i], "none", "", 1)
				}
				if got := si.took(); !slices.Equal(got, events) {
					t.Errorf("got %q, want %q", got, events)
				}
				for _, c := range w.Result().Cookies() {
					cookie = c.Name + "=" + c.Value
				}
			}
		})
	}
}

// TestAroundRouter: around the router, where no route of chi's is known,
// sessions work, and events name the route of net/http if there is one.
func TestAroundRouter(t *testing.T) {
	si := watch(t)
	r := chi.NewRouter()
	r.Get("/shop/items", si.handler(t))
	around := sessionchi.Middleware(si.Manager, nil)(r)
	mux := http.NewServeMux()
	mux.Handle("/shop/", around)
	for want, h := range map[string]http.Handler{"created: ": around, "created: /shop/": mux} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/shop/items", nil))
		if got := si.took(); !slices.Equal(got, []string{want}) || len(w.Result().Cookies()) != 1 {
			t.Errorf("got the events %q, cookies %v, want %q and a cookie", got, w.Result().Cookies(), want)
		}
	}
}

// TestRouteOfHandlerLeftBehind: http.TimeoutHandler, between the router and the
// session, returns while the handler is still at work. Then chi serves another
// request with the same Context.
func TestRouteOfHandlerLeftBehind(t *testing.T) {
	for name, early := range map[string]bool{"RouteKnown": true, "RouteUnknown": false} {
		t.Run(name, func(t *testing.T) {
			si := watch(t)
			leave, goOn, over := make(chan func(), 1), make(chan struct{}), make(chan struct{})
			r := chi.NewRouter()
			r.Use(func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Hour, "") })
			r.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == "POST" {
						defer close(over)
					}
					next.ServeHTTP(w, r)
				})
			})
			r.Use(sessionchi.Middleware(si.Manager, nil))
			visit := si.handler(t)
			r.Get("/first", visit)
			r.Get("/other/{path}", func(http.ResponseWriter, *http.Request) {})
			r.Post("/slow/{id}", func(w http.ResponseWriter, r *http.Request) {
				if early {
					visit(w, r)
				}
				(<-leave)()
				<-goOn
				visit(w, r.WithContext(context.WithoutCancel(r.Context())))
			})
			serve := func(method, path, cookie string) *http.Response {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if method == "POST" {
					leave <- cancel
				}
				request := httptest.NewRequestWithContext(ctx, method, path, nil)
				request.Header.Set("Cookie", cookie)
				w := httptest.NewRecorder()
				r.ServeHTTP(w, request)
				return w.Result()
			}
			c := serve("GET", "/first", "").Cookies()[0]
			si.took()
			if got := serve("POST", "/slow/1", c.Name+"="+c.Value); got.StatusCode != http.StatusServiceUnavailable {
				t.Fatalf("got status %d, want that of http.TimeoutHandler", got.StatusCode)
			}
			close(goOn)
			for range 10 { // while the handler that was left behind goes on
				serve("GET", "/other/a", "")
			}
			<-over
			want := []string{"loaded: ", "changed: "}
			if early {
				want = []string{"loaded: POST /slow/{id}", "changed: POST /slow/{id}"}
			}
			if got := si.took(); !slices.Equal(got, want) {
				t.Errorf("got the events %q, want %q", got, want)
			}
		})
	}
}

// TestSharedBeforeRouting: a middleware may share its session with a goroutine
// while chi still looks for the route.
func TestSharedBeforeRouting(t *testing.T) {
	si := watch(t)
	committed := make(chan error, 1)
	r := chi.NewRouter()
	r.Use(sessionchi.Middleware(si.Manager, nil), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := si.Get(r.Context())
			if err == nil {
				err = s.Update(count)
			}
			if err != nil {
				t.Error(err)
			}
			ctx := r.Context()
			go func() { committed <- s.Commit(ctx) }()
			next.ServeHTTP(w, r)
		})
	})
	visit := si.handler(t)
	r.Post("/items/{id}", func(w http.ResponseWriter, r *http.Request) {
		if err := <-committed; err != nil {
			t.Error(err)
		}
		visit(w, r)
	})
	r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/items/7", nil))
	if got, want := si.took(), []string{"created: ", "changed: POST /items/{id}"}; !slices.Equal(got, want) {
		t.Errorf("got the events %q, want %q", got, want)
	}
}
