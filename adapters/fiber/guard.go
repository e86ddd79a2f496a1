package sessionfiber

import (
	"bytes"
	"net/http"

	"github.com/gofiber/fiber/v3"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// RequireLogin returns a middleware that lets pass whom the guard lets pass, for
// groups and routes after Middleware. It decides as [account.RequireLogin] does,
// and answers so but for the body: who is not sent to the login page gets what
// fiber's ErrorHandler makes of a fiber.Error with the status.
func RequireLogin[T any](m *session.Manager[T], g account.Guard) fiber.Handler {
	return func(c fiber.Ctx) error {
		refusal := account.Check(c, m, g, account.Request{
			Method:    c.Method(),
			Target:    c.OriginalURL(),
			Accept:    string(bytes.Join(c.Request().Header.PeekAll(fiber.HeaderAccept), []byte(","))),
			FetchMode: c.Get("Sec-Fetch-Mode"),
		})
		if refusal == nil {
			return c.Next()
		}
		for name, values := range refusal.Header {
			for _, value := range values {
				if name == fiber.HeaderVary {
					c.Vary(value)
				} else {
					c.Set(name, value)
				}
			}
		}
		if refusal.Status == http.StatusSeeOther {
			c.Status(refusal.Status)
			return nil
		}
		return fiber.NewError(refusal.Status)
	}
}
