package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPage renders a given session, without a server, a cookie or a login. The
// middleware is left out: it would look for the session of the request's cookie.
func TestPage(t *testing.T) {
	s := newShop(t)
	r := httptest.NewRequest("GET", "/", nil)
	r = r.WithContext(s.sessions.NewContext(r.Context(), "<ann>", visitor{Cart: []line{{"<Tea>", 2}}}))
	w := httptest.NewRecorder()
	netHTTPRoutes(s).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("status: got %d, want 200", w.Code)
	}
	for _, want := range []string{"&lt;ann&gt;", "2 × &lt;Tea&gt;", `<strong id="visits">1</strong>`, "Log out"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s:\n%s", want, w.Body)
		}
	}
}

func TestPosts(t *testing.T) {
	for _, test := range []struct {
		name, path, form string
		header           [2]string
		want             int
	}{
		{"add", "/cart/add", "goods=Tea", [2]string{}, http.StatusSeeOther},
		{"remove", "/cart/remove", "goods=Tea", [2]string{}, http.StatusSeeOther},
		{"login", "/login", "name=ann", [2]string{}, http.StatusSeeOther},
		{"logout", "/logout", "", [2]string{}, http.StatusSeeOther},
		{"nonsense", "/cart/add", "goods=", [2]string{}, http.StatusBadRequest},
		{"broken form", "/cart/add", "%", [2]string{}, http.StatusBadRequest},
		{"another site", "/cart/add", "goods=Tea", [2]string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"another origin", "/logout", "", [2]string{"Origin", "https://evil.example"}, http.StatusForbidden},
		{"no such page", "/cart", "", [2]string{}, http.StatusNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", test.path, strings.NewReader(test.form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if test.header[0] != "" {
				r.Header.Set(test.header[0], test.header[1])
			}
			w := httptest.NewRecorder()
			netHTTP(newShop(t)).(*http.Server).Handler.ServeHTTP(w, r)
			if w.Code != test.want {
				t.Errorf("status: got %d, want %d:\n%s", w.Code, test.want, w.Body)
			}
		})
	}
}
