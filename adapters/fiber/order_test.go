package sessionfiber_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/cache"
	"github.com/gofiber/fiber/v3/middleware/compress"
	"github.com/gofiber/fiber/v3/middleware/etag"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
)

// TestCompress: around this middleware or within it.
func TestCompress(t *testing.T) {
	for _, within := range []bool{false, true} {
		shop := newShop(t)
		text := strings.Repeat("bread ", 1000)
		handlers := []fiber.Handler{compress.New(), sessionfiber.Middleware(shop.Manager, nil)}
		if within {
			slices.Reverse(handlers)
		}
		app := fiber.New()
		app.Get("/", handlers[0], handlers[1], func(c fiber.Ctx) error {
			if _, err := shop.update(c, "bread"); err != nil {
				return err
			}
			return c.SendString(text)
		})
		a := ask(t, app, "GET", "/", "", "Accept-Encoding: gzip")
		a.wants(t, 200, a.body, 1)
		vary := strings.Join(a.Header["Vary"], ", ")
		if a.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Accept-Encoding") {
			t.Errorf("compress within: %t; got the headers %v", within, a.Header)
		}
		shop.store.Lose()
		a = ask(t, app, "GET", "/", "", "Accept-Encoding: gzip")
		a.wants(t, 503, "Service Unavailable", 0)
		if got := a.Header.Get("Content-Encoding"); got != "" {
			t.Errorf("compress within: %t; the error response has Content-Encoding %q", within, got)
		}
	}
}

// TestETag: a response without a body still has its cookie.
func TestETag(t *testing.T) {
	for _, within := range []bool{false, true} {
		shop := newShop(t)
		handlers := []fiber.Handler{etag.New(), sessionfiber.Middleware(shop.Manager, nil)}
		if within {
			slices.Reverse(handlers)
		}
		app := fiber.New()
		app.Get("/", handlers[0], handlers[1], shop.add)
		first := ask(t, app, "GET", "/", "")
		first.wants(t, 200, "bread", 1)
		tag := "If-None-Match: " + first.Header.Get("Etag")
		a := ask(t, app, "GET", "/", "", tag)
		a.wants(t, 304, "", 1)
		if got := shop.items(t, a.cookie()); got != "bread" {
			t.Errorf("etag within: %t; the cookie with a 304 opens a session with %q, want bread", within, got)
		}
	}
}

// TestCache: around this middleware, the cache keeps no response with a cookie,
// and gives nobody a response that was made for another's session.
func TestCache(t *testing.T) {
	shop := newShop(t)
	app := fiber.New()
	app.Use(cache.New(cache.Config{StoreResponseHeaders: true}))
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/add", shop.add)
	app.Get("/read", shop.read)
	app.Get("/plain", unused)

	alice := ask(t, app, "GET", "/add", "")
	alice.wants(t, 200, "bread", 1)
	bob := ask(t, app, "GET", "/add", "")
	bob.wants(t, 200, "bread", 1)
	if alice.cookie() == bob.cookie() {
		t.Error("two visitors got one session")
	}
	ask(t, app, "GET", "/add", alice.cookie()).wants(t, 200, "bread bread", 0)

	for range 2 {
		ask(t, app, "GET", "/read", alice.cookie()).wants(t, 200, "bread bread", 0)
		ask(t, app, "GET", "/read", bob.cookie()).wants(t, 200, "bread", 0)
		ask(t, app, "GET", "/read", "").wants(t, 200, "", 0)
	}
	ask(t, app, "GET", "/plain", "")
	if got := ask(t, app, "GET", "/plain", alice.cookie()).Header.Get("X-Cache"); got != "hit" {
		t.Errorf("got X-Cache %q for a page that uses no session, want hit", got)
	}
}

// TestNewContext: a test of handlers, by app.Test, brings a session of its own.
func TestNewContext(t *testing.T) {
	for _, installed := range []bool{false, true} {
		shop := newShop(t)
		ctx := shop.NewContext(t.Context(), session.Info[cart]{Subject: "alice", Data: cart{Items: []string{"butter"}}})
		app := fiber.New()
		app.Use(func(c fiber.Ctx) error {
			c.SetContext(ctx)
			return c.Next()
		})
		if installed {
			app.Use(sessionfiber.Middleware(shop.Manager, nil))
		}
		app.Get("/", func(c fiber.Ctx) error {
			s, err := shop.Get(c.Context())
			if err != nil {
				return err
			}
			return s.Update(add("bread"))
		})
		ask(t, app, "GET", "/", "").wants(t, 200, "", 0)
		s, err := shop.Get(ctx)
		if err != nil || s.Subject() != "alice" || strings.Join(s.Data().Items, " ") != "butter bread" {
			t.Errorf("middleware: %t; got %v, %v, want what the handler made of the test's session", installed, s, err)
		}
	}
}

// TestAdaptor: a handler of net/http that fiber's adaptor mounts finds the
// session in its context.
func TestAdaptor(t *testing.T) {
	shop := newShop(t)
	app := fiber.New()
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/", adaptor.HTTPHandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := shop.Get(r.Context())
		if err == nil {
			err = s.Update(add("bread"))
		}
		if err != nil {
			http.Error(w, err.Error(), session.HTTPStatus(err))
			return
		}
		w.Write([]byte(strings.Join(s.Data().Items, " ")))
	}))
	first := ask(t, app, "GET", "/", "")
	first.wants(t, 200, "bread", 1)
	ask(t, app, "GET", "/", first.cookie()).wants(t, 200, "bread bread", 0)
}
