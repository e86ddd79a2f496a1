package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

// TestPage renders a given session, without a server, a cookie or a login.
func TestPage(t *testing.T) {
	s := newShop(t)
	r := httptest.NewRequest("GET", "/", nil)
	r = r.WithContext(s.sessions.NewContext(r.Context(), session.Info[visitor]{Subject: "<ann>", Data: visitor{Cart: []line{{"<Tea>", 2}}}}))
	w := httptest.NewRecorder()
	netHTTP(s).Handler.ServeHTTP(w, r)
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
		site             string // Sec-Fetch-Site, as browsers send it
		want             int
	}{
		{"add", "/cart/add", "goods=Tea", "same-origin", http.StatusSeeOther},
		{"remove", "/cart/remove", "goods=Tea", "same-origin", http.StatusSeeOther},
		{"login", "/login", "name=ann", "same-origin", http.StatusSeeOther},
		{"logout", "/logout", "", "same-origin", http.StatusSeeOther},
		{"nonsense", "/cart/add", "goods=", "same-origin", http.StatusBadRequest},
		{"broken form", "/cart/add", "%", "same-origin", http.StatusBadRequest},
		{"another site", "/cart/add", "goods=Tea", "cross-site", http.StatusForbidden},
		{"no such page", "/cart", "", "same-origin", http.StatusNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, adapter := range strings.Split(adapters, ", ") {
				r, err := http.NewRequest("POST", serve(t, adapter)+test.path, strings.NewReader(test.form))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Sec-Fetch-Site", test.site)
				resp, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != test.want || err != nil {
					t.Errorf("%s: status %d, error %v, want %d:\n%s", adapter, resp.StatusCode, err, test.want, text)
				}
			}
		})
	}
}

// serve serves a shop in memory with an adapter, and returns its address.
func serve(t *testing.T, adapter string) string {
	t.Helper()
	srv, err := newServer(adapter, newShop(t))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		_ = srv.Serve(listener)
		close(served)
	}()
	t.Cleanup(func() {
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-served
	})
	return "http://" + listener.Addr().String()
}
