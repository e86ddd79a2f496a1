package sessionfiber

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// RequireLogin returns a middleware that admits requests that the guard
// accepts. It is for groups and routes after [Middleware]. It decides as
// [account.RequireLogin] does, with the same status and header. The page of an
// admitted request has Cache-Control: no-store, unless the handler sets
// something else.
//
// A refused request is redirected to the login page, or fiber's ErrorHandler
// writes the response. The ErrorHandler gets a [fiber.Error], by errors.As, with
// the status and its text. The default ErrorHandler sends that text to the client.
//
// The error wraps the reason, for the log. errors.Unwrap returns it, and errors.Is
// finds it: [account.ErrNotLoggedIn], [account.ErrLoginTooOld], [account.ErrNotBound], or the error of
// Manager.Get, such as [session.ErrUnavailable].
func RequireLogin[T any](m *session.Manager[T], g account.Guard) fiber.Handler {
	return func(c fiber.Ctx) error {
		refusal := account.Check(c, m, g, account.Request{
			Method:    c.Method(),
			Target:    c.OriginalURL(),
			Accept:    requestHeader(c, fiber.HeaderAccept),
			FetchMode: requestHeader(c, "Sec-Fetch-Mode"),
		})
		if refusal == nil {
			c.Set(fiber.HeaderCacheControl, "no-store")
			return c.Next()
		}
		refusal.Header.Del(fiber.HeaderContentType) // the ErrorHandler writes the body
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

// requestHeader joins the header lines of a name. With
// Config.DisableHeaderNormalizing, the name may be in any case.
func requestHeader(c fiber.Ctx, name string) string {
	var lines []string
	for n, value := range c.Request().Header.All() {
		if strings.EqualFold(string(n), name) {
			lines = append(lines, string(value))
		}
	}
	return strings.Join(lines, ",")
}
