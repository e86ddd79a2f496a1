package sessionchi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	sessionchi "github.com/gostateful/session/adapters/chi"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// TestAccount: the guard and the devices of package account, wherever chi
// takes a middleware or a handler.
func TestAccount(t *testing.T) {
	si := newSite(t, nil)
	guard := account.Guard{LoginURL: "/login"}
	devices := account.Devices(si.Manager, guard, &account.DevicesOptions[visit]{Describe: func(i session.Info[visit]) any { return i.Data.N }})
	orders := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "orders") }

	r := chi.NewRouter()
	r.Use(middleware.StripSlashes, sessionchi.Middleware(si.Manager, nil))
	r.Post("/login", func(_ http.ResponseWriter, r *http.Request) {
		s, err := si.Get(r.Context())
		if err == nil {
			err = s.Login("ann", nil)
		}
		if err != nil {
			t.Error(err)
		}
	})
	r.With(account.RequireLogin(si.Manager, guard)).Get("/with", orders)
	r.Group(func(r chi.Router) {
		r.Use(account.RequireLogin(si.Manager, guard))
		r.Get("/group", orders)
		r.Mount("/group/devices", http.StripPrefix("/group/devices", devices))
	})
	r.Route("/route", func(r chi.Router) {
		r.Use(account.RequireLogin(si.Manager, guard))
		r.Get("/orders", orders)
		r.Mount("/devices", http.StripPrefix("/route/devices", devices))
	})
	r.Mount("/devices", http.StripPrefix("/devices", devices))
	r.Mount("/unstripped", devices)
	server := httptest.NewServer(r)
	defer server.Close()

	// do sends what a browser does when it opens a page.
	do := func(method, path, cookie string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Accept", "text/html")
		resp, err := server.Client().Transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	login := func() string {
		t.Helper()
		resp, _ := do("POST", "/login", "")
		if len(resp.Cookies()) != 1 {
			t.Fatalf("login: got the cookies %v, want one", resp.Cookies())
		}
		return resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
	}

	ann := login()
	for path, next := range map[string]string{"/with": "%2Fwith", "/group": "%2Fgroup", "/route/orders/": "%2Froute%2Forders%2F"} {
		if resp, _ := do("GET", path, ""); resp.StatusCode != 303 || resp.Header.Get("Location") != "/login?next="+next {
			t.Errorf("%s without a login: got status %d, Location %q, want 303 and next=%s", path, resp.StatusCode, resp.Header.Get("Location"), next)
		}
		if resp, body := do("GET", path, ann); resp.StatusCode != 200 || body != "orders" {
			t.Errorf("%s with a login: got status %d, body %q, want 200, orders", path, resp.StatusCode, body)
		}
	}

	for _, mounted := range []string{"/devices", "/route/devices", "/group/devices"} {
		phone := login()
		for _, path := range []string{mounted, mounted + "/"} {
			resp, body := do("GET", path, phone)
			var list []struct {
				ID      string
				Current bool
			}
			if err := json.Unmarshal([]byte(body), &list); err != nil || resp.StatusCode != 200 || len(list) != 2 {
				t.Fatalf("GET %s: got status %d, body %q, want two sessions", path, resp.StatusCode, body)
			}
			for _, device := range list {
				if device.Current && path != mounted {
					if resp, _ := do("DELETE", mounted+"/"+device.ID, ann); resp.StatusCode != 204 {
						t.Errorf("DELETE %s/{id}: got status %d, want 204", mounted, resp.StatusCode)
					}
				}
			}
		}
		if resp, _ := do("GET", mounted, phone); resp.StatusCode != 303 {
			t.Errorf("%s: the session that was revoked gets status %d, want 303", mounted, resp.StatusCode)
		}
		login()
		// StripSlashes and Mount let chi route these here.
		for _, path := range []string{"/others/", "/x/others", "/x%2Fothers", "//others"} {
			if resp, _ := do("DELETE", mounted+path, ann); resp.StatusCode != 404 || si.store.Len() != 2 {
				t.Errorf("DELETE %s%s: got status %d, and %d sessions are left, want 404, 2", mounted, path, resp.StatusCode, si.store.Len())
			}
		}
		if resp, _ := do("DELETE", mounted+"/others", ann); resp.StatusCode != 204 || si.store.Len() != 1 {
			t.Errorf("DELETE %s/others: got status %d, and %d sessions are left, want 204, 1", mounted, resp.StatusCode, si.store.Len())
		}
	}
	for _, path := range []string{"/unstripped", "/unstripped/", "/devices/anything", "/devices/anything/else"} {
		if resp, _ := do("GET", path, ann); resp.StatusCode != 404 {
			t.Errorf("GET %s: got status %d, want 404", path, resp.StatusCode)
		}
	}
}
