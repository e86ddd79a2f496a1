package sessionfiber_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
)

// TestNested: if a request passes the middleware of a manager twice, there is
// one session with one cookie, and no change is lost.
func TestNested(t *testing.T) {
	for _, path := range []string{"/again", "/group"} {
		t.Run(path, func(t *testing.T) {
			shop := newShop(t)
			app := fiber.New()
			app.Use(sessionfiber.Middleware(shop.Manager, nil))
			count := func(c fiber.Ctx) error {
				s, err := shop.update(c, "bread")
				if err != nil {
					return err
				}
				return c.SendString(fmt.Sprint(len(s.Data().Items)))
			}
			app.Get("/again", func(c fiber.Ctx) error {
				if err := count(c); err != nil {
					return err
				}
				c.Path("/last")
				return c.RestartRouting()
			})
			app.Get("/last", count)
			app.Group("/group", func(c fiber.Ctx) error {
				if err := count(c); err != nil {
					return err
				}
				return c.Next()
			}, sessionfiber.Middleware(shop.Manager, nil)).Get("/", count)

			resp, err := app.Test(httptest.NewRequest("GET", path, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := make([]byte, 1)
			if _, err := resp.Body.Read(body); string(body) != "2" {
				t.Errorf("%s changes, want 2 (%v)", body, err)
			}
			if cookies := resp.Header["Set-Cookie"]; len(cookies) != 1 {
				t.Errorf("got the cookies %q, want one", cookies)
			}
		})
	}
}
