package sessionfiber_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestRoute: events hold the pattern of the route, not the path, in groups and
// in apps that are mounted, wherever the middleware is installed.
func TestRoute(t *testing.T) {
	var routes []string
	m, err := session.New[cart](adaptertest.NewStore(), &session.Options{Observer: func(_ context.Context, e session.Event) {
		routes = append(routes, e.Route)
	}})
	if err != nil {
		t.Fatal(err)
	}
	change := func(c fiber.Ctx) error {
		s, err := m.Get(c)
		if err != nil {
			return err
		}
		return s.Update(add(c.Params("item")))
	}
	middleware := sessionfiber.Middleware(m, nil)
	app := fiber.New()
	app.Get("/alone/:item", middleware, change)
	app.Group("/group", middleware).Put("/items/:item", change)
	mounted := fiber.New()
	mounted.Use(middleware)
	mounted.Post("/items/:item", change)
	app.Use("/mounted", mounted)
	app.Use("/early", middleware, func(c fiber.Ctx) error {
		if err := change(c); err != nil {
			return err
		}
		s, err := m.Get(c)
		if err == nil {
			err = s.Commit(c)
		}
		if err != nil {
			return err
		}
		return c.Next()
	})
	app.Get("/early/:item", func(c fiber.Ctx) error {
		s, err := m.Get(c)
		if err != nil {
			return err
		}
		return s.Login("alice", nil)
	})
	for _, test := range []struct {
		method, target string
		routes         []string
	}{
		{"GET", "/alone/bread", []string{"GET /alone/:item"}},
		{"PUT", "/group/items/bread", []string{"PUT /group/items/:item"}},
		{"POST", "/mounted/items/bread", []string{"POST /mounted/items/:item"}},
		{"GET", "/early/bread", []string{"", "GET /early/:item", "GET /early/:item"}}, // created, renewed, login
	} {
		routes = nil
		ask(t, app, test.method, test.target, "").wants(t, 200, "", 1)
		if !slices.Equal(routes, test.routes) {
			t.Errorf("%s %s: got the routes %q of the events, want %q", test.method, test.target, routes, test.routes)
		}
	}
}

// TestSharedBeforeRouting: a middleware may share its session with a goroutine
// while fiber still looks for the route.
func TestSharedBeforeRouting(t *testing.T) {
	var routes []string
	m, err := session.New[cart](adaptertest.NewStore(), &session.Options{Observer: func(_ context.Context, e session.Event) {
		routes = append(routes, string(e.Kind)+": "+e.Route)
	}})
	if err != nil {
		t.Fatal(err)
	}
	change := func(c fiber.Ctx) (*session.Session[cart], error) {
		s, err := m.Get(c)
		if err != nil {
			return nil, err
		}
		return s, s.Update(add("bread"))
	}
	committed := make(chan error, 1)
	app := fiber.New()
	app.Use(sessionfiber.Middleware(m, nil), func(c fiber.Ctx) error {
		s, err := change(c)
		if err != nil {
			return err
		}
		go func() { committed <- s.Commit(t.Context()) }()
		return c.Next()
	})
	app.Post("/items/:item", func(c fiber.Ctx) error {
		if err := <-committed; err != nil {
			return err
		}
		_, err := change(c)
		return err
	})
	ask(t, app, "POST", "/items/bread", "").wants(t, 200, "", 1)
	if want := []string{"created: ", "changed: POST /items/:item"}; !slices.Equal(routes, want) {
		t.Errorf("got the events %q, want %q", routes, want)
	}
}
