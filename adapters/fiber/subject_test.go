package sessionfiber_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
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

// TestEventMemory: no subject of an event points into the memory of its request, which
// fiber uses for the next one.
func TestEventMemory(t *testing.T) {
	for name, act := range map[string]func(shop, fiber.Ctx) error{
		"Login": func(s shop, c fiber.Ctx) error {
			held, err := s.Get(c)
			if err != nil {
				return err
			}
			return held.Login(c.Query("user"), nil)
		},
		"List":      func(s shop, c fiber.Ctx) error { _, err := s.List(c, c.Query("user")); return err },
		"RevokeAll": func(s shop, c fiber.Ctx) error { _, err := s.RevokeAll(c, c.Query("user")); return err },
		"UpdateAll": func(s shop, c fiber.Ctx) error { _, err := s.UpdateAll(c, c.Query("user"), add("bread")); return err },
	} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/StoreLost=", lost), func(t *testing.T) {
				var subjects []string
				st := adaptertest.NewStore()
				m, err := session.New[cart](st, &session.Options{Observer: func(_ context.Context, e session.Event) {
					if e.Subject != "" {
						subjects = append(subjects, e.Subject)
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				app := fiber.New()
				app.Use(sessionfiber.Middleware(m, nil))
				app.Get("/login", func(c fiber.Ctx) error {
					s, err := m.Get(c)
					if err != nil {
						return err
					}
					return s.Login("alice", nil)
				})
				app.Get("/act", func(c fiber.Ctx) error {
					err := act(shop{m, st}, c)
					clear(c.Request().URI().QueryString())
					c.Request().URI().QueryArgs().Set("user", "mallory")
					return err
				})
				ask(t, app, "GET", "/login", "")
				if lost {
					st.Lose()
				}
				ask(t, app, "GET", "/act?user=alice", "")
				for _, subject := range subjects {
					if subject != "alice" {
						t.Errorf("an event has the subject %q, want alice", subject)
					}
				}
			})
		}
	}
}
