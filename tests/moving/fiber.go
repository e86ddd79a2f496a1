package moving

import (
	"time"

	"github.com/gofiber/fiber/v3"
	fibersession "github.com/gofiber/fiber/v3/middleware/session"
)

// FromFiber moves the sessions of fiber's middleware. On the new servers its Store
// takes the place of that middleware, which would give each visitor an old session.
type FromFiber struct {
	Move
	Store *fibersession.Store
	Name  string // of the cookie
}

// Middleware is for the first release with f.Together, and for the second with
// f.NowAlone. It runs inside the adapter's middleware.
func (f *FromFiber) Middleware(follow Follow) fiber.Handler {
	return func(c fiber.Ctx) error {
		s, err := f.Store.Get(c)
		if err != nil {
			return unavailable(err)
		}
		defer s.Release()
		c.Locals(oldSession{}, s)
		old := f.old(c, s)
		if old.Secret != "" {
			if err := s.Save(); err != nil { // keeps it alive
				return unavailable(err)
			}
		}
		if _, err := follow(c, old); err != nil {
			return err
		}
		return c.Next()
	}
}

type oldSession struct{}

func (f *FromFiber) old(c fiber.Ctx, s *fibersession.Session) Old {
	old := Old{Cookie: c.Cookies(f.Name) != "", End: s.Destroy}
	if s.Fresh() {
		return old
	}
	old.Secret = s.ID()
	old.Info.Subject, _ = s.Get("user").(string)
	old.Info.Data.Items, _ = s.Get("items").([]string)
	if at, ok := s.Get("at").(int64); ok {
		old.Info.AuthenticatedAt = time.UnixMilli(at)
	}
	return old
}

// Login logs in to both, while old servers run.
func (f *FromFiber) Login(c fiber.Ctx, user string) error {
	s, err := f.Sessions.Get(c)
	if err != nil {
		return err
	}
	old := fiber.Locals[*fibersession.Session](c, oldSession{})
	if err := old.Regenerate(); err != nil {
		return unavailable(err)
	}
	old.Set("user", user)
	old.Set("at", time.Now().UnixMilli())
	if err := old.Save(); err != nil {
		return unavailable(err)
	}
	return s.Login(user, nil)
}

// Logout logs out of both, in each release.
func (f *FromFiber) Logout(c fiber.Ctx) error {
	s, err := f.Sessions.Get(c)
	if err != nil {
		return err
	}
	if err := fiber.Locals[*fibersession.Session](c, oldSession{}).Destroy(); err != nil {
		return unavailable(err) // and nothing has ended
	}
	return s.Destroy()
}
