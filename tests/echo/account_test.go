package sessionecho_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// TestAccount: the guard and the devices of package account, which are of net/http,
// wherever echo takes a middleware or a handler.
func TestAccount(t *testing.T) {
	si := newSite(t, nil)
	guard := account.Guard{LoginURL: "/login"}
	requireLogin := echo.WrapMiddleware(account.RequireLogin(si.Manager, guard))
	devices := account.Devices(si.Manager, guard, &account.DevicesOptions[visit]{Describe: func(i session.Info[visit]) any { return i.Data.N }})
	orders := func(c *echo.Context) error {
		s := si.counted(t, c)
		return c.String(200, "orders of "+s.Subject())
	}

	e := newEcho()
	e.Use(sessionecho.Middleware(si.Manager))
	e.POST("/login", func(c *echo.Context) error {
		s, err := si.Get(c.Request().Context())
		if err != nil {
			return err
		}
		return s.Login("ann", nil)
	})
	mount := func(path string, add func(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) echo.RouteInfo) {
		h := echo.WrapHandler(http.StripPrefix(path, devices))
		add("/devices", h)
		add("/devices/*", h)
	}
	mount("/devices", e.Any)
	e.GET("/route", orders, requireLogin)
	group := e.Group("/group", requireLogin)
	group.GET("/orders", orders)
	mount("/group/devices", group.Any)

	login := func() string {
		t.Helper()
		return cookie(t, serve(e, "POST", "/login"))
	}
	ann := login()
	for path, next := range map[string]string{"/route": "%2Froute", "/group/orders": "%2Fgroup%2Forders"} {
		w := serve(e, "GET", path, "Accept", "text/html")
		if got := w.Header().Get("Location"); w.Code != 303 || got != "/login?next="+next {
			t.Errorf("%s without a login: got status %d, Location %q, want 303 and next=%s", path, w.Code, got, next)
		}
		w = serve(e, "GET", path, "Accept", "text/html", "Cookie", ann)
		if w.Code != 200 || w.Body.String() != "orders of ann" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s with a login: got status %d, body %q, header %v, want 200, orders of ann, no-store", path, w.Code, w.Body, w.Header())
		}
	}

	for _, mounted := range []string{"/devices", "/group/devices"} {
		phone := login()
		w := serve(e, "GET", mounted, "Cookie", phone)
		var list []struct {
			ID      string
			Current bool
		}
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != 200 || len(list) != 2 {
			t.Fatalf("GET %s: got status %d, body %q, want two sessions", mounted, w.Code, w.Body)
		}
		for _, device := range list {
			if device.Current {
				if w := serve(e, "DELETE", mounted+"/"+device.ID, "Cookie", ann); w.Code != 204 {
					t.Errorf("DELETE %s/{id}: got status %d, want 204", mounted, w.Code)
				}
			}
		}
		if w := serve(e, "GET", mounted, "Cookie", phone); w.Code != 401 {
			t.Errorf("%s: the session that was revoked gets status %d, want 401", mounted, w.Code)
		}
		login()
		for _, path := range []string{"/x/others", "/x%2Fothers", "//others"} {
			if w := serve(e, "DELETE", mounted+path, "Cookie", ann); w.Code != 404 || si.store.Len() != 2 {
				t.Errorf("DELETE %s%s: got status %d, and %d sessions are left, want 404, 2", mounted, path, w.Code, si.store.Len())
			}
		}
		if w := serve(e, "DELETE", mounted+"/others", "Cookie", ann); w.Code != 204 || si.store.Len() != 1 {
			t.Errorf("DELETE %s/others: got status %d, and %d sessions are left, want 204, 1", mounted, w.Code, si.store.Len())
		}
	}
}

// TestGuardOutage: the guard answers an outage with 503.
func TestGuardOutage(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.Use(sessionecho.Middleware(si.Manager))
	e.GET("/", hello, echo.WrapMiddleware(account.RequireLogin(si.Manager, account.Guard{LoginURL: "/login"})))
	e.GET("/count", si.counting(t, hello))
	known := cookie(t, serve(e, "GET", "/count"))
	si.store.Lose()
	if w := serve(e, "GET", "/", "Cookie", known); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("got status %d, header %v, want 503 and Retry-After", w.Code, w.Header())
	}
}
