package nethttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
)

// TestNested: if the middleware of a manager is installed twice, there is one
// session with one cookie, and no change is lost.
func TestNested(t *testing.T) {
	shop := newShop(t)
	sessions := nethttp.Middleware(shop.Manager, nil)
	items := 0
	h := sessions(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer := shop.update(t, r)
		sessions(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			shop.update(t, r)
		})).ServeHTTP(w, r)
		items = len(outer.Data().Items)
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if cookies := w.Result().Header["Set-Cookie"]; len(cookies) != 1 || items != 2 {
		t.Errorf("got the cookies %q and %d changes, want one and 2", cookies, items)
	}
}
