package sessionchi_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/go-chi/chi/v5"

	sessionchi "github.com/gostateful/session/adapters/chi"
)

// TestAroundAndInRouter: chi serves another request with the Context of the one
// whose session is not committed yet.
func TestAroundAndInRouter(t *testing.T) {
	si := watch(t)
	sessions := sessionchi.Middleware(si.Manager, nil)
	r := chi.NewRouter()
	r.With(sessions).Get("/files/*", si.handler(t))
	r.Get("/other/{path}", func(http.ResponseWriter, *http.Request) {})
	around := sessions(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.ServeHTTP(w, request)
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/other/a", nil))
	}))
	w := httptest.NewRecorder()
	around.ServeHTTP(w, httptest.NewRequest("GET", "/files/a", nil))
	if got := si.took(); !slices.Equal(got, []string{"created: "}) || len(w.Result().Cookies()) != 1 {
		t.Errorf("got the events %q, cookies %v, want one without a route, and a cookie", got, w.Result().Cookies())
	}
}
