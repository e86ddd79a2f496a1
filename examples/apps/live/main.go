// Command live is an application whose pages stay open, on fiber: a stream that
// keeps its session alive while somebody listens, and a poll that does not. Its
// sessions are in memory, and it listens on localhost:8080. Anybody may log in.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/memory"
)

// Visit is what the server keeps of a visitor.
type Visit struct{ Unread int }

func main() {
	visits, err := session.New[Visit](memory.New(nil), &session.Options{IdleTimeout: 10 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(newApp(visits, 10*time.Second).Listen("localhost:8080"))
}

func newApp(visits *session.Manager[Visit], every time.Duration) *fiber.App {
	app := fiber.New()
	app.Use(adaptor.HTTPMiddleware(http.NewCrossOriginProtection().Handler), sessionfiber.Middleware(visits, nil))
	app.Post("/login", func(c fiber.Ctx) error {
		s, err := visits.Get(c)
		if err != nil {
			return err
		}
		return s.Login(c.FormValue("user"), nil)
	})
	app.Post("/logout", func(c fiber.Ctx) error {
		s, err := visits.Get(c)
		if err != nil {
			return err
		}
		return s.Destroy()
	})

	// A page polls every few seconds. That is no use of the session: it ends if its
	// user does nothing for IdleTimeout.
	app.Get("/unread", sessionfiber.RequireLogin(visits, account.Guard{Peek: true}), func(c fiber.Ctx) error {
		info, err := visits.Peek(c)
		if err != nil {
			return err
		}
		return c.JSON(fiber.Map{"unread": info.Data.Unread, "until": info.ExpiresAt})
	})

	// Another program sends a message to all devices of a user.
	app.Post("/send", func(c fiber.Ctx) error {
		n, err := visits.UpdateAll(c, c.FormValue("user"), func(v *Visit) error {
			v.Unread++
			return nil
		})
		if err != nil {
			return err
		}
		return c.JSON(fiber.Map{"devices": n})
	})

	// A stream keeps its session alive, and ends with it.
	app.Get("/events", sessionfiber.RequireLogin(visits, account.Guard{}), func(c fiber.Ctx) error {
		s, err := visits.Get(c) // before the stream, which must not use c
		if err != nil {
			return err
		}
		seen, err := visits.Peek(c)
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentType, "text/event-stream")
		return c.SendStreamWriter(func(w *bufio.Writer) { stream(visits, s, seen, w, every) })
	})
	return app
}

// stream sends what is new until the client leaves or the session ends.
func stream(visits *session.Manager[Visit], s *session.Session[Visit], seen session.Info[Visit], w *bufio.Writer, every time.Duration) {
	ctx := context.Background()
	for info, err := range visits.Changes(ctx, seen, every) {
		if err != nil {
			fmt.Fprint(w, "event: end\ndata: signed out\n\n")
			_ = w.Flush()
			return
		}
		fmt.Fprintf(w, "data: %d\n\n", info.Data.Unread)
		if w.Flush() != nil {
			return // the client has left
		}
		_ = s.Touch(ctx) // if the session has ended, the loop ends too
	}
}
