package bench

import (
	"bufio"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	fibersession "github.com/gofiber/fiber/v3/middleware/session"
	fiberredis "github.com/gofiber/storage/redis/v3"
	"github.com/valyala/fasthttp"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
)

// onFiber is the site of an app, which is called without a connection.
func onFiber(app *fiber.App) site {
	handler := app.Handler()
	return func(tb testing.TB, filled bool) func(string) []byte {
		ctx, cookie := new(fasthttp.RequestCtx), ""
		source, reader := new(strings.Reader), bufio.NewReader(nil)
		visit := func(path string) []byte {
			ctx.Request.Reset()
			ctx.Response.Reset()
			source.Reset("POST " + path + " HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Proto: https\r\n" + cookie + "\r\n")
			reader.Reset(source)
			if err := ctx.Request.Read(reader); err != nil {
				tb.Fatal(err)
			}
			if handler(ctx); ctx.Response.StatusCode() != fiber.StatusOK {
				tb.Fatalf("%s: status %d: %s", path, ctx.Response.StatusCode(), ctx.Response.Body())
			}
			return ctx.Response.Body()
		}
		if filled {
			visit("/fill")
			cookie = cookieLine(ctx)
		}
		return visit
	}
}

// cookieLine is what a browser sends after this response.
func cookieLine(ctx *fasthttp.RequestCtx) string {
	pair, _, _ := strings.Cut(string(ctx.Response.Header.Peek("Set-Cookie")), ";")
	return "Cookie: " + pair + "\r\n"
}

func oursOnFiber(tb testing.TB, store session.Store) site {
	carts := must[*session.Manager[cart]](tb)(session.New[cart](store, nil))
	app := fiber.New()
	app.Use(sessionfiber.Middleware(carts, nil))
	handle := func(path string, do func(fiber.Ctx, *session.Session[cart]) error) {
		app.Post(path, func(c fiber.Ctx) error {
			s, err := carts.Get(c)
			if err != nil {
				return err
			}
			return do(c, s)
		})
	}
	app.Post("/unused", func(c fiber.Ctx) error { return c.SendString("0") })
	handle("/read", func(c fiber.Ctx, s *session.Session[cart]) error { return c.SendString(sum(s.Data())) })
	handle("/update", func(_ fiber.Ctx, s *session.Session[cart]) error {
		return s.Update(func(c *cart) error { c.Items[0].Amount++; return nil })
	})
	handle("/fill", func(_ fiber.Ctx, s *session.Session[cart]) error {
		return s.Update(func(c *cart) error { *c = ten(); return nil })
	})
	return onFiber(app)
}

// fiberOn is fiber's own middleware, as its documentation has it. Nil storage means
// memory.
func fiberOn(_ testing.TB, storage fiber.Storage) site {
	middleware, store := fibersession.NewWithStore(fibersession.Config{Storage: storage})
	store.RegisterType(cart{})
	app := fiber.New()
	app.Use(middleware)
	app.Post("/unused", func(c fiber.Ctx) error { return c.SendString("0") })
	app.Post("/read", func(c fiber.Ctx) error {
		held, _ := fibersession.FromContext(c).Get("cart").(cart)
		return c.SendString(sum(held))
	})
	app.Post("/update", func(c fiber.Ctx) error {
		s := fibersession.FromContext(c)
		held, _ := s.Get("cart").(cart)
		held.Items[0].Amount++
		s.Set("cart", held)
		return nil
	})
	app.Post("/fill", func(c fiber.Ctx) error {
		fibersession.FromContext(c).Set("cart", ten())
		return nil
	})
	return onFiber(app)
}

func fiberRedis(tb testing.TB, port int) fiber.Storage {
	storage := fiberredis.New(fiberredis.Config{Host: "127.0.0.1", Port: port})
	tb.Cleanup(func() { _ = storage.Close() })
	return storage
}
