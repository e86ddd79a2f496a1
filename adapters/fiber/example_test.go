package sessionfiber_test

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

type Basket struct{ Items []string }

func ExampleMiddleware() {
	baskets, err := session.New[Basket](adaptertest.NewStore(), nil) // in a program: memory.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New()
	app.Use(sessionfiber.Middleware(baskets, nil))
	app.Get("/add/:item", func(c fiber.Ctx) error {
		item := c.Params("item")
		s, err := baskets.Get(c)
		if err != nil {
			return err
		}
		err = s.Update(func(b *Basket) error {
			b.Items = append(b.Items, item)
			return nil
		})
		if err != nil {
			return err
		}
		return c.SendString(fmt.Sprint(s.Data().Items))
	})

	browse(app, "/add/bread", "/add/butter")
	// Output:
	// 200 OK: [bread]
	// 200 OK: [bread butter]
}

// An error handler answers when the session could not be written. This one
// leaves it to the application's own.
func ExampleMiddleware_errorHandler() {
	down := adaptertest.NewStore()
	down.Lose()
	baskets, err := session.New[Basket](down, nil)
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		status := fiber.StatusInternalServerError
		if e, ok := err.(*fiber.Error); ok {
			status = e.Code
		}
		return c.Status(status).SendString("Sorry: " + err.Error())
	}})
	app.Use(sessionfiber.Middleware(baskets, &sessionfiber.Options{OnError: func(_ fiber.Ctx, err error) error {
		return fiber.NewError(session.HTTPStatus(err), "please try again in a minute.")
	}}))
	app.Get("/", func(c fiber.Ctx) error {
		s, err := baskets.Get(c)
		if err != nil {
			return err
		}
		err = s.Update(func(b *Basket) error {
			b.Items = append(b.Items, "bread")
			return nil
		})
		if err != nil {
			return err
		}
		return c.SendString("It is in your basket.") // not sent
	})

	browse(app, "/")
	// Output:
	// 503 Service Unavailable: Sorry: please try again in a minute.
}

// browse gets pages as a browser does, with its cookie.
func browse(app *fiber.App, paths ...string) {
	cookie := ""
	for _, path := range paths {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Cookie", cookie)
		resp, err := app.Test(r)
		if err != nil {
			log.Fatal(err)
		}
		for _, c := range resp.Cookies() {
			cookie = c.Name + "=" + c.Value
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", resp.Status, body)
	}
}
