package sessionchi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	sessionchi "github.com/gostateful/session/adapters/chi"
)

// TestOutsideSeesRequest: the pattern that chi tells the request, and its form,
// are known to middlewares outside, also after a panic.
func TestOutsideSeesRequest(t *testing.T) {
	for name, panics := range map[string]bool{"Returns": false, "Panics": true} {
		t.Run(name, func(t *testing.T) {
			looks := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer func() {
						_ = recover()
						if got := r.PathValue("item"); got != "bread" {
							t.Errorf("outside, the request has the path value %q, want that of the handler", got)
						}
						if got := chi.RouteContext(r.Context()).RoutePattern(); got != "/shop/items/{item:[a-z]+}" {
							t.Errorf("outside, chi's context has the pattern %q, want that of the route", got)
						}
						if r.Pattern != "/shop/items/{item:[a-z]+}" || r.PostForm.Get("count") != "2" {
							t.Errorf("outside, the request has the pattern %q and the form %v, want those of the handler", r.Pattern, r.PostForm)
						}
					}()
					next.ServeHTTP(w, r)
				})
			}
			r := chi.NewRouter()
			r.Use(looks, sessionchi.Middleware(newSite(t, nil).Manager, nil))
			r.Route("/shop", func(r chi.Router) {
				r.Post("/items/{item:[a-z]+}", func(_ http.ResponseWriter, r *http.Request) {
					if err := r.ParseForm(); err != nil {
						t.Error(err)
					}
					if panics {
						panic("out of bread")
					}
				})
			})
			request := httptest.NewRequest("POST", "/shop/items/bread", strings.NewReader("count=2"))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.ServeHTTP(httptest.NewRecorder(), request)
		})
	}
}
