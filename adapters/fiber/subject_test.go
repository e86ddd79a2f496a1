package sessionfiber_test

import (
	"testing"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
)

// TestSubjectMemory: a subject that points into the request is copied by Login.
func TestSubjectMemory(t *testing.T) {
	shop := newShop(t)
	var held *session.Session[cart]
	app := fiber.New()
	app.Use(sessionfiber.Middleware(shop.Manager, nil))
	app.Get("/", func(c fiber.Ctx) (err error) {
		if held, err = shop.Get(c); err == nil {
			err = held.Login(c.Query("user"), nil)
		}
		clear(c.Request().URI().QueryString())
		c.Request().URI().QueryArgs().Set("user", "mallory")
		return err
	})
	ask(t, app, "GET", "/?user=alice", "")
	if found, err := shop.List(t.Context(), "alice"); len(found) != 1 || held.Subject() != "alice" {
		t.Errorf("alice has %d sessions in the store (%v), and the request's is %q's, want alice's alone", len(found), err, held.Subject())
	}
}
