package sessionfiber_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// TestRequireLogin: a page is sent to the login page, and other requests get
// 401 in the application's form. A store that is down is no reason to log in.
func TestRequireLogin(t *testing.T) {
	shop := newShop(t)
	app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		status := 500
		if e := (*fiber.Error)(nil); errors.As(err, &e) {
			status = e.Code
		}
		return c.Status(status).JSON(fiber.Map{"error": err.Error()})
	}})
	app.Use(sessionfiber.Middleware(shop.Manager, nil), func(c fiber.Ctx) error {
		c.Vary("Origin")
		return c.Next()
	})
	app.Post("/login", func(c fiber.Ctx) error {
		s, err := shop.Get(c)
		if err != nil {
			return err
		}
		return s.Login("alice", nil)
	})
	orders := func(c fiber.Ctx) error { return c.SendString("orders") }
	logged := account.Guard{LoginURL: "/login"}
	recent := account.Guard{LoginURL: "/login", Within: time.Nanosecond}
	app.Get("/orders/*", sessionfiber.RequireLogin(shop.Manager, logged), orders)
	app.Post("/orders/*", sessionfiber.RequireLogin(shop.Manager, logged), orders)
	app.Group("/pay", sessionfiber.RequireLogin(shop.Manager, recent)).Get("/:item", orders)

	login := ask(t, app, "POST", "/login", "")
	login.wants(t, 200, "", 1)
	in := login.cookie()
	ask(t, app, "GET", "/orders/1", in).wants(t, 200, "orders", 0)
	ask(t, app, "POST", "/orders/1", in).wants(t, 200, "orders", 0)

	const unauthorized = `{"error":"Unauthorized"}`
	for name, test := range map[string]struct {
		method, target, cookie string
		lines                  []string
		status                 int
		body                   string
		location, challenge    string
	}{
		"Page":     {"GET", "/orders/1?page=2", "", []string{"Accept: text/html"}, 303, "", "/login?next=%2Forders%2F1%3Fpage%3D2", ""},
		"TwoLines": {"GET", "/orders/1", "", []string{"Accept: text/plain", "Accept: text/html"}, 303, "", "/login?next=%2Forders%2F1", ""},
		"Navigate": {"GET", "/orders/1", "", []string{"Sec-Fetch-Mode: navigate"}, 303, "", "/login?next=%2Forders%2F1", ""},
		"Script":   {"GET", "/orders/1", "", []string{"Accept: text/html", "Sec-Fetch-Mode: cors"}, 401, unauthorized, "", "Cookie"},
		"Form":     {"POST", "/orders/1", "", []string{"Accept: text/html"}, 401, unauthorized, "", "Cookie"},
		"TooOld":   {"GET", "/pay/1", in, nil, 401, unauthorized, "", `Cookie error="insufficient_user_authentication", max_age="0"`},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, app, test.method, test.target, test.cookie, test.lines...)
			a.wants(t, test.status, test.body, 0)
			if got := a.Header.Get("Location"); got != test.location {
				t.Errorf("got Location %q, want %q", got, test.location)
			}
			if got := a.Header.Get("WWW-Authenticate"); got != test.challenge {
				t.Errorf("got WWW-Authenticate %q, want %q", got, test.challenge)
			}
			vary := strings.Split(strings.Join(a.Header["Vary"], ", "), ", ")
			if !slices.Contains(vary, "Cookie") || !slices.Contains(vary, "Origin") || test.method == "GET" && !slices.Contains(vary, "Sec-Fetch-Mode") {
				t.Errorf("got Vary %q, want all that the answer depends on", vary)
			}
			if got := a.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("got Cache-Control %q, want no-store", got)
			}
		})
	}

	shop.store.Lose()
	a := ask(t, app, "GET", "/orders/1", in, "Accept: text/html")
	a.wants(t, 503, `{"error":"Service Unavailable"}`, 0)
	if a.Header.Get("Retry-After") == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got the headers %v, want Retry-After and no-store", a.Header)
	}
}

// TestRequireLoginAsSent: with Config.DisableHeaderNormalizing a client may spell
// the names of headers as proxies that speak HTTP/2 do.
func TestRequireLoginAsSent(t *testing.T) {
	shop := newShop(t)
	app := fiber.New(fiber.Config{DisableHeaderNormalizing: true})
	app.Use(sessionfiber.Middleware(shop.Manager, nil), sessionfiber.RequireLogin(shop.Manager, account.Guard{LoginURL: "/login"}))
	address := strings.TrimPrefix(serve(t, app), "http://")
	for lines, status := range map[string]int{
		"accept: text/plain\r\naccept: text/html\r\n":          303,
		"sec-fetch-mode: navigate\r\n":                         303,
		"accept: text/html\r\nsec-fetch-mode: same-origin\r\n": 401,
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "GET / HTTP/1.1\r\nhost: shop.example\r\n"+lines+"\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != status {
			t.Errorf("%q: got %v, %v, want status %d", lines, resp, err, status)
		}
	}
}

// TestRequireLoginReason: the application's ErrorHandler learns the reason. A
// client of the default one does not.
func TestRequireLoginReason(t *testing.T) {
	for name, test := range map[string]struct {
		guard  account.Guard
		user   string
		down   bool
		reason error
		status int
	}{
		"NotLoggedIn": {account.Guard{}, "", false, account.ErrNotLoggedIn, 401},
		"TooOld":      {account.Guard{Within: time.Nanosecond}, "alice", false, account.ErrLoginTooOld, 401},
		"StoreDown":   {account.Guard{LoginURL: "/login"}, "alice", true, session.ErrUnavailable, 503},
	} {
		t.Run(name, func(t *testing.T) {
			var seen error
			for _, config := range []fiber.Config{{}, {ErrorHandler: func(c fiber.Ctx, err error) error {
				seen = err
				return fiber.DefaultErrorHandler(c, err)
			}}} {
				shop := newShop(t)
				app := fiber.New(config)
				app.Use(sessionfiber.Middleware(shop.Manager, nil))
				app.Post("/login", func(c fiber.Ctx) error {
					s, err := shop.Get(c)
					if err != nil || test.user == "" {
						return err
					}
					return s.Login(test.user, nil)
				})
				app.Get("/orders", sessionfiber.RequireLogin(shop.Manager, test.guard))
				cookie := ask(t, app, "POST", "/login", "").cookie()
				if test.down {
					shop.store.Lose()
				}
				ask(t, app, "GET", "/orders", cookie).wants(t, test.status, http.StatusText(test.status), 0)
			}
			var status *fiber.Error
			if !errors.Is(seen, test.reason) || !errors.As(seen, &status) || status.Code != test.status {
				t.Errorf("the ErrorHandler got %#v, want one that is %q, and a fiber.Error of %d", seen, test.reason, test.status)
			}
			if reason := errors.Unwrap(seen); reason == nil || !strings.Contains(reason.Error(), test.reason.Error()) {
				t.Errorf("errors.Unwrap: got %v, want the reason, to be logged", reason)
			}
			if want := http.StatusText(test.status); seen == nil || seen.Error() != want {
				t.Errorf("got the text %v, want %q, as clients see it", seen, want)
			}
		})
	}
}

// TestRequireLoginPage: a page that needs a login is not stored by a cache, unless its
// handler says so. A request that has lost its session to a login may come again, and
// is told when.
func TestRequireLoginPage(t *testing.T) {
	shop := newShop(t)
	app := fiber.New()
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Post("/login", func(c fiber.Ctx) error {
		s, err := shop.Get(c)
		if err != nil {
			return err
		}
		return s.Login("alice", nil)
	})
	app.Use(sessionfiber.RequireLogin(shop.Manager, account.Guard{LoginURL: "/login"}))
	app.Get("/orders", func(c fiber.Ctx) error { return c.SendString("none") })
	app.Get("/logo", func(c fiber.Ctx) error {
		c.Set("Cache-Control", "private, max-age=60")
		return c.SendString("logo")
	})
	old := ask(t, app, "POST", "/login", "").cookie()
	in := ask(t, app, "POST", "/login", old).cookie()
	for path, want := range map[string]string{"/orders": "no-store", "/logo": "private, max-age=60"} {
		a := ask(t, app, "GET", path, in)
		if got := a.Header["Cache-Control"]; a.StatusCode != 200 || !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got status %d, Cache-Control %q, want 200, %q", path, a.StatusCode, got, want)
		}
	}
	a := ask(t, app, "GET", "/orders", old, "Accept: text/html")
	a.wants(t, 409, "Conflict", 0)
	if got := a.Header["Retry-After"]; len(got) != 1 || got[0] == "1" {
		t.Errorf("a straggler got Retry-After %q, want the end of its window, a minute", got)
	}
}
