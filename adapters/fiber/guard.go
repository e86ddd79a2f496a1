package sessionfiber

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// RequireLogin returns a middleware that admits requests that the guard accepts,
// for groups and routes after Middleware. It decides as [account.RequireLogin]
// does, and answers with the same status and header. The body is the
// application's: unless the request is sent to the login page, fiber's
// ErrorHandler gets an error that is, by errors.As, a fiber.Error with the status
// and its text, which the default ErrorHandler sends to the client.
// errors.Unwrap returns the reason, for the log, and errors.Is finds it:
// account.ErrNotLoggedIn, account.ErrLoginTooOld or what Manager.Get returned,
// such as session.ErrUnavailable.
func RequireLogin[T any](m *session.Manager[T], g account.Guard) fiber.Handler {
	return func(c fiber.Ctx) error {
		refusal := account.Check(c, m, g, account.Request{
			Method:    c.Method(),
			Target:    c.OriginalURL(),
			Accept:    requestHeader(c, fiber.HeaderAccept),
			FetchMode: requestHeader(c, "Sec-Fetch-Mode"),
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
		return &refused{fiber.NewError(refusal.Status), refusal.Err}
	}
}

// requestHeader returns the lines of that name as one, whatever the case of the
// name is, which is the client's with Config.DisableHeaderNormalizing.
func requestHeader(c fiber.Ctx, name string) string {
	var lines []string
	for n, value := range c.Request().Header.All() {
		if strings.EqualFold(string(n), name) {
			lines = append(lines, string(value))
		}
	}
	return strings.Join(lines, ",")
}
