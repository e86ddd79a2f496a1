package sessionchi_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	sessionchi "github.com/gostateful/session/adapters/chi"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/core/adaptertest"
)

type Basket struct{ Items []string }

func ExampleMiddleware() {
	baskets, err := session.New[Basket](adaptertest.NewStore(), nil) // in a program: memory.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	r := chi.NewRouter()
	r.Use(middleware.Recoverer) // before the sessions: a handler that panics changes nothing
	r.Use(sessionchi.Middleware(baskets, nil))
	r.Get("/add/{item}", func(w http.ResponseWriter, r *http.Request) {
		item := chi.URLParam(r, "item")
		s, err := baskets.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		err = s.Update(func(b *Basket) error {
			b.Items = append(b.Items, item)
			return nil
		})
		if err != nil {
			session.Error(w, err)
			return
		}
		fmt.Fprintln(w, s.Data().Items)
	})

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/add/bread", nil))
	fmt.Print(w.Body)
	fmt.Println(w.Result().Cookies()[0].Name)
	// Output:
	// [bread]
	// __Host-session
}

// Metrics and logs can name the route and not each path.
func ExampleMiddleware_route() {
	baskets, err := session.New[Basket](adaptertest.NewStore(), &session.Options{
		Observer: func(_ context.Context, e session.Event) { fmt.Println(e.Kind, "by", e.Route) },
	})
	if err != nil {
		log.Fatal(err)
	}
	r := chi.NewRouter()
	r.Use(sessionchi.Middleware(baskets, nil))
	r.Route("/baskets/{owner}", func(r chi.Router) {
		r.Post("/items", func(w http.ResponseWriter, r *http.Request) {
			s, err := baskets.Get(r.Context())
			if err != nil {
				session.Error(w, err)
				return
			}
			err = s.Update(func(b *Basket) error { b.Items = append(b.Items, "bread"); return nil })
			if err != nil {
				session.Error(w, err)
			}
		})
	})
	r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/baskets/ann/items", nil))
	// Output: created by POST /baskets/{owner}/items
}

// Package account guards routes and lists devices.
func ExampleMiddleware_account() {
	users, err := session.New[Basket](adaptertest.NewStore(), nil)
	if err != nil {
		log.Fatal(err)
	}
	guard := account.Guard{LoginURL: "/login"}
	r := chi.NewRouter()
	r.Use(sessionchi.Middleware(users, nil))
	r.Mount("/devices", http.StripPrefix("/devices", account.Devices(users, guard, nil)))
	r.Group(func(r chi.Router) {
		r.Use(account.RequireLogin(users, guard))
		r.Get("/orders", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "none yet") })
	})

	request := httptest.NewRequest("GET", "/orders", nil)
	request.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	fmt.Println(w.Code, w.Result().Header.Get("Location"))
	// Output: 303 /login?next=%2Forders
}
