package moving

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	fibersession "github.com/gofiber/fiber/v3/middleware/session"
	"github.com/stretchr/testify/require"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
)

// A fiberStorage is a fiber.Storage in memory, which can be lost.
type fiberStorage struct {
	mu   sync.Mutex
	kept map[string][]byte
	lost bool
}

func (s *fiberStorage) with(do func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost {
		return errLost
	}
	do()
	return nil
}

func (s *fiberStorage) GetWithContext(_ context.Context, key string) (b []byte, err error) {
	err = s.with(func() { b = s.kept[key] })
	return b, err
}

func (s *fiberStorage) SetWithContext(_ context.Context, key string, b []byte, _ time.Duration) error {
	return s.with(func() { s.kept[strings.Clone(key)] = append([]byte(nil), b...) })
}

func (s *fiberStorage) DeleteWithContext(_ context.Context, key string) error {
	return s.with(func() { delete(s.kept, key) })
}

func (s *fiberStorage) ResetWithContext(context.Context) error {
	return s.with(func() { clear(s.kept) })
}

func (s *fiberStorage) Get(key string) ([]byte, error) {
	return s.GetWithContext(context.Background(), key)
}

func (s *fiberStorage) Set(key string, b []byte, d time.Duration) error {
	return s.SetWithContext(context.Background(), key, b, d)
}

func (s *fiberStorage) Delete(key string) error {
	return s.DeleteWithContext(context.Background(), key)
}
func (s *fiberStorage) Reset() error { return s.ResetWithContext(context.Background()) }
func (s *fiberStorage) Close() error { return nil }

func startFiber(t *testing.T, m Move) ([3]http.Handler, faults) {
	storage := &fiberStorage{kept: map[string][]byte{}}
	config := fibersession.Config{Storage: storage, CookieSecure: true, CookieHTTPOnly: true}

	app := fiber.New()
	app.Use(fibersession.New(config))
	items := func(c fiber.Ctx) []string {
		items, _ := fibersession.FromContext(c).Get("items").([]string)
		return items
	}
	app.Post("/login", func(c fiber.Ctx) error {
		s := fibersession.FromContext(c)
		if err := s.Regenerate(); err != nil {
			return err
		}
		s.Set("user", strings.Clone(c.Query("user")))
		return nil
	})
	app.Post("/logout", func(c fiber.Ctx) error { return fibersession.FromContext(c).Destroy() })
	app.Post("/add", func(c fiber.Ctx) error {
		fibersession.FromContext(c).Set("items", append(items(c), strings.Clone(c.Query("item"))))
		return nil
	})
	app.Get("/", func(c fiber.Ctx) error {
		user, _ := fibersession.FromContext(c).Get("user").(string)
		return c.SendString(page(user, items(c)))
	})

	f := &FromFiber{Move: m, Store: fibersession.NewStore(config), Name: "session_id"}
	release := func(follow Follow, login func(c fiber.Ctx, user string) error) http.Handler {
		app := fiber.New()
		app.Use(adaptor.HTTPMiddleware(http.NewCrossOriginProtection().Handler))
		app.Use(sessionfiber.Middleware(m.Sessions, nil))
		app.Use(f.Middleware(follow))
		app.Post("/login", func(c fiber.Ctx) error { return login(c, c.Query("user")) })
		app.Post("/logout", f.Logout)
		app.Post("/add", func(c fiber.Ctx) error { return add(c, m.Sessions, strings.Clone(c.Query("item"))) })
		app.Get("/secret", sessionfiber.RequireLogin(m.Sessions, recent), func(c fiber.Ctx) error { return nil })
		app.Get("/", func(c fiber.Ctx) error {
			s, err := m.Sessions.Get(c)
			if err != nil {
				return err
			}
			return c.SendString(page(s.Subject(), s.Data().Items))
		})
		return adaptor.FiberApp(app)
	}
	second := func(c fiber.Ctx, user string) error { return f.LoginAlone(c, user) }
	return [3]http.Handler{adaptor.FiberApp(app), release(f.Together, f.Login), release(f.NowAlone, second)}, faults{
		expire: func() { require.NoError(t, storage.Reset()) },
		lose:   func() { _ = storage.with(func() { storage.lost = true }) },
	}
}
