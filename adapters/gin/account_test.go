package sessiongin_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// TestAccount: the guard and the devices of package account, wherever gin takes a
// middleware or a handler.
func TestAccount(t *testing.T) {
	si := newSite(t, nil)
	guard := account.Guard{LoginURL: "/login"}
	devices := account.Devices(si.Manager, guard, &account.DevicesOptions[visit]{Describe: func(i session.Info[visit]) any { return i.Data.N }})
	mount := func(r gin.IRoutes, at, prefix string) {
		h := gin.WrapH(http.StripPrefix(prefix+at, devices))
		r.Any(at, h)
		r.Any(at+"/*device", h)
	}
	reached := false
	orders := func(c *gin.Context) { reached = true; c.String(200, "orders") }

	r := gin.New()
	r.UseRawPath = true
	r.Use(sessiongin.Middleware(si.Manager, nil))
	r.POST("/login", func(c *gin.Context) {
		s, err := si.Get(c)
		if err == nil {
			err = s.Login("ann", nil)
		}
		if err != nil {
			t.Error(err)
		}
	})
	r.GET("/route", sessiongin.RequireLogin(si.Manager, guard), orders)
	r.GET("/cached", sessiongin.RequireLogin(si.Manager, guard), func(c *gin.Context) {
		c.Header("Cache-Control", "private")
		c.String(200, "cached")
	})
	group := r.Group("/group", sessiongin.RequireLogin(si.Manager, guard))
	group.GET("/orders", orders)
	mount(group, "/devices", "/group")
	mount(r, "/devices", "")
	r.Any("/unstripped/*device", gin.WrapH(devices))
	at := serveAt(t, r)

	// do sends what a browser does when it opens a page.
	do := func(method, path, cookie string) answer {
		t.Helper()
		a, err := at.do(method, path, cookie, "Accept: text/html")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	login := func() string {
		t.Helper()
		a := do("POST", "/login", "")
		a.wants(t, 200, "", 1)
		return a.cookie()
	}

	ann := login()
	for path, next := range map[string]string{"/route": "%2Froute", "/group/orders?page=2": "%2Fgroup%2Forders%3Fpage%3D2"} {
		reached = false
		if a := do("GET", path, ""); a.StatusCode != 303 || a.Header.Get("Location") != "/login?next="+next || reached {
			t.Errorf("%s without a login: got status %d, Location %q, want 303 and next=%s; the handler was reached: %t", path, a.StatusCode, a.Header.Get("Location"), next, reached)
		}
		a := do("GET", path, ann)
		a.wants(t, 200, "orders", 0)
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s with a login: got Cache-Control %q, want no-store", path, got)
		}
	}
	if a := do("GET", "/cached", ann); a.Header.Get("Cache-Control") != "private" {
		t.Errorf("got Cache-Control %q, want that of the handler", a.Header.Get("Cache-Control"))
	}

	for _, mounted := range []string{"/devices", "/group/devices"} {
		phone := login()
		for _, path := range []string{mounted, mounted + "/"} {
			a := do("GET", path, phone)
			var list []struct {
				ID      string
				Current bool
			}
			if err := json.Unmarshal([]byte(a.body), &list); err != nil || a.StatusCode != 200 || len(list) != 2 {
				t.Fatalf("GET %s: got status %d, body %q, want two sessions", path, a.StatusCode, a.body)
			}
			for _, device := range list {
				if device.Current && path != mounted {
					if a := do("DELETE", mounted+"/"+device.ID, ann); a.StatusCode != 204 {
						t.Errorf("DELETE %s/{id}: got status %d, want 204", mounted, a.StatusCode)
					}
				}
			}
		}
		if a := do("GET", mounted, phone); a.StatusCode != 303 {
			t.Errorf("%s: the session that was revoked gets status %d, want 303", mounted, a.StatusCode)
		}
		login()
		for _, path := range []string{"/others/", "/x/others", "/x%2Fothers", "//others"} {
			if a := do("DELETE", mounted+path, ann); a.StatusCode != 404 || si.store.Len() != 2 {
				t.Errorf("DELETE %s%s: got status %d, and %d sessions are left, want 404, 2", mounted, path, a.StatusCode, si.store.Len())
			}
		}
		if a := do("DELETE", mounted+"/others", ann); a.StatusCode != 204 || si.store.Len() != 1 {
			t.Errorf("DELETE %s/others: got status %d, and %d sessions are left, want 204, 1", mounted, a.StatusCode, si.store.Len())
		}
	}
	for _, path := range []string{"/unstripped/", "/devices/anything", "/devices/anything/else"} {
		if a := do("GET", path, ann); a.StatusCode != 404 {
			t.Errorf("GET %s: got status %d, want 404", path, a.StatusCode)
		}
	}
	if a := do("DELETE", "/devices/all", ann); a.StatusCode != 204 || si.store.Len() != 0 || len(a.Cookies()) != 1 {
		t.Errorf("DELETE /devices/all: got status %d, cookies %v, and %d sessions are left, want 204, its removal, 0", a.StatusCode, a.Cookies(), si.store.Len())
	}
}
