package sessionfiber_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/encryptcookie"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestContexts: c and c.Context() lead to one session, also in the error
// handler, which runs when the session is over.
func TestContexts(t *testing.T) {
	shop := newShop(t)
	app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		for _, ctx := range []context.Context{c, c.Context()} {
			s, err := shop.Get(ctx)
			if err != nil || len(s.Data().Items) != 1 {
				t.Errorf("the error handler does not see the session: %v", err)
			}
		}
		return c.Status(418).SendString(err.Error())
	}})
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/", func(c fiber.Ctx) error {
		one, err := shop.Get(c)
		if err != nil {
			return err
		}
		two, err := shop.Get(c.Context())
		if err != nil {
			return err
		}
		if one != two {
			t.Error("c and c.Context() have two handles")
		}
		if err := two.Update(add("bread")); err != nil {
			return err
		}
		return fiber.NewError(418, "teapot")
	})
	ask(t, app, "GET", "/", "").wants(t, 418, "teapot", 1)
}

// raw sends header lines as they are to a server, and returns the body.
func raw(t *testing.T, url string, lines ...string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n%s\r\n\r\n", strings.Join(lines, "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestCookieHeader: the session is found however the header is written, and
// when a middleware has had fasthttp parse it, which leaves no raw lines.
func TestCookieHeader(t *testing.T) {
	shop := newShop(t)
	good := shop.cookie(t, add("bread"))
	name, token, _ := strings.Cut(good, "=")
	for of, config := range map[string]fiber.Config{
		"Default":   {},
		"Immutable": {Immutable: true},
		"AsWritten": {DisableHeaderNormalizing: true},
	} {
		for _, parsed := range []bool{false, true} {
			app := fiber.New(config)
			app.Use(func(c fiber.Ctx) error {
				if parsed && c.Cookies("theme") == "light" {
					t.Error("no cookie says light")
				}
				return c.Next()
			})
			app.Use(sessionfiber.Middleware(shop.Manager, nil))
			app.Get("/", shop.read)
			url := serve(t, app)
			for _, lines := range [][]string{
				{"Cookie: " + good},
				{"cookie: " + good},
				{"Cookie: theme=dark", "Cookie: " + good},
				{"Cookie: " + name + "=junk; " + good},
				{"Cookie: " + name + "=junk", "Cookie: " + good},
				{"cookie: theme=dark", "cookie: " + name + "=junk; theme=dark; " + good},
				{"Cookie: theme=\"dark\"; a = b; =c; " + good},
				{"Cookie: ", "Cookie: theme=\"dark\"; " + good},
				{"Cookie: theme=dark", "cookie: " + good},
				{"cookie: theme=dark", "Cookie: " + good, "COOKIE: "},
			} {
				if got := raw(t, url, lines...); got != "bread" {
					t.Errorf("%s, parsed before: %t, %q: got %q, want the session", of, parsed, lines, got)
				}
			}
			for _, line := range []string{name + "=\"" + token + "\"", name + " =" + token, name + "= " + token, "=" + good} {
				for _, lines := range [][]string{{"Cookie: " + line}, {"Cookie: ", "Cookie: " + line}, {"Cookie: " + line, "Cookie: "}, {"cookie: " + line, "Cookie: "}} {
					if got := raw(t, url, lines...); got != "" {
						t.Errorf("%s, parsed before: %t, %q: got %q, want no session", of, parsed, lines, got)
					}
				}
			}
		}
	}
}

// TestCookieTakenAway: a middleware before may take the cookies from a request, or give
// it others.
func TestCookieTakenAway(t *testing.T) {
	shop := newShop(t)
	bread, butter := shop.cookie(t, add("bread")), shop.cookie(t, add("butter"))
	name, token, _ := strings.Cut(butter, "=")
	for of, test := range map[string]struct {
		change func(c fiber.Ctx)
		want   string
	}{
		"Nothing":   {func(fiber.Ctx) {}, "bread"},
		"DelCookie": {func(c fiber.Ctx) { c.Request().Header.DelCookie(name) }, ""},
		"DelAll":    {func(c fiber.Ctx) { c.Request().Header.DelAllCookies() }, ""},
		"Del":       {func(c fiber.Ctx) { c.Request().Header.Del("Cookie") }, ""},
		"SetCookie": {func(c fiber.Ctx) { c.Request().Header.SetCookie(name, token) }, "butter"},
		"Others":    {func(c fiber.Ctx) { c.Request().Header.SetCookie("theme", "light") }, "bread"},
	} {
		app := fiber.New()
		app.Use(func(c fiber.Ctx) error {
			test.change(c)
			return c.Next()
		})
		app.Use(sessionfiber.Middleware(shop.Manager, nil))
		app.Get("/", shop.read)
		if got := raw(t, serve(t, app), "Cookie: theme=dark; "+bread); got != test.want {
			t.Errorf("%s: got the session with %q, want %q", of, got, test.want)
		}
		if got := raw(t, serve(t, app), "Cookie: theme=dark; ="+bread); of != "SetCookie" && got != "" {
			t.Errorf("%s: a cookie without a name got the session with %q, want none", of, got)
		}
	}
}

// TestMemory: the request's memory may be used for something else once the
// middleware has begun, and once Update has returned.
func TestMemory(t *testing.T) {
	for _, immutable := range []bool{false, true} {
		shop := newShop(t)
		app := fiber.New(fiber.Config{Immutable: immutable})
		app.Use(sessionfiber.Middleware(shop.Manager, nil))
		app.Get("/", func(c fiber.Ctx) error {
			for _, line := range c.Request().Header.PeekAll("Cookie") {
				clear(line)
			}
			held, err := shop.update(c, c.Query("item"))
			if err != nil {
				return err
			}
			clear(c.Request().URI().QueryString())
			return c.SendString(strings.Join(held.Data().Items, " "))
		})
		cookie := shop.cookie(t, add("bread"))
		ask(t, app, "GET", "/?item=butter", cookie).wants(t, 200, "bread butter", 0)
		if got := shop.items(t, cookie); got != "bread butter" {
			t.Errorf("the session has %q, want bread butter", got)
		}
	}
}

// TestKept: a handle that outlives its request reads on, and refuses changes,
// while fiber and fasthttp use the request's memory for the next one. The race
// detector sees who touches it.
func TestKept(t *testing.T) {
	var mu sync.Mutex
	routes := map[string]int{}
	m, err := session.New[cart](adaptertest.NewStore(), &session.Options{Observer: func(_ context.Context, e session.Event) {
		mu.Lock()
		defer mu.Unlock()
		routes[e.Route]++
	}})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var kept sync.WaitGroup
	app := fiber.New()
	app.Use(sessionfiber.Middleware(m, nil))
	app.Get("/", func(c fiber.Ctx) error {
		s, err := m.Get(c)
		if err == nil {
			err = s.Update(add("bread"))
		}
		if err != nil {
			return err
		}
		ctx := c.Context()
		kept.Go(func() {
			for {
				_ = s.Update(add("butter"))
				again, err := m.Get(ctx)
				if err != nil || again != s || len(s.Data().Items) == 0 {
					t.Errorf("a kept handle is not what it was: %v", err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
		return nil
	})
	url := serve(t, app)
	for range 20 {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	close(stop)
	kept.Wait()
	mu.Lock()
	defer mu.Unlock()
	if len(routes) != 1 || routes["GET /"] < 20 {
		t.Errorf("got the routes %v of the events, want 20 of GET / at least and no other", routes)
	}
}

// TestEncryptCookie: fiber's middleware around this one may encrypt the cookie.
func TestEncryptCookie(t *testing.T) {
	shop := newShop(t)
	app := fiber.New()
	app.Use(encryptcookie.New(encryptcookie.Config{Key: encryptcookie.GenerateKey(32)}))
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/", shop.add)
	first := ask(t, app, "GET", "/", "")
	first.wants(t, 200, "bread", 1)
	c := first.Cookies()[0]
	if len(c.Value) == 64 || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
		t.Errorf("got the cookie %v, want an encrypted one with its attributes", c)
	}
	ask(t, app, "GET", "/", first.cookie()).wants(t, 200, "bread bread", 0)
}
