package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	session "github.com/gostateful/session/core"
)

// A visitor comes with the cookie of another library, and that library knows
// the visitor.
func ExampleManager_Import() {
	type Cart struct{ Items []string }
	carts, err := session.New[Cart](store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	move := func(next http.Handler) http.Handler { // inside the adapter's middleware
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := carts.Get(r.Context())
			old, cookieErr := r.Cookie("old")
			if err == nil && s.IsNew() && cookieErr == nil {
				// Here the other library checks the cookie, and finds these.
				user, items := "ann", []string{"tea"}
				_, err = carts.Import(r.Context(), old.Value, session.Info[Cart]{Subject: user, Data: Cart{items}})
			}
			if err != nil {
				session.Error(w, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := carts.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		fmt.Println(s.Subject(), s.Data().Items, "logged in long ago:", s.AuthenticatedAt().IsZero())
	})

	var x session.Exchange // an adapter does this
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "old", Value: "3q2xD0b7Zk1yVw8tQ5nR"})
	x.Begin(context.Background(), carts, r.Header["Cookie"])
	move(page).ServeHTTP(httptest.NewRecorder(), r.WithContext(&x))
	header, err := x.Commit(session.Response{})
	fmt.Println("new cookies:", len(header.SetCookie), err)
	// Output:
	// ann [tea] logged in long ago: true
	// new cookies: 1 <nil>
}
