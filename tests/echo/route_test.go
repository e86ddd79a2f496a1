package sessionecho_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
)

// watch makes a site that keeps the routes of its events.
func watch(t *testing.T) (si site, took func() []string) {
	var events []string
	si = newSite(t, &session.Options{Observer: func(_ context.Context, e session.Event) {
		events = append(events, string(e.Kind)+": "+e.Route)
	}})
	return si, func() []string {
		defer func() { events = nil }()
		return events
	}
}

// TestRoute: events hold the method and the pattern of the route, not the path, and no
// method that a client has invented.
func TestRoute(t *testing.T) {
	for name, test := range map[string]struct {
		build  func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc)
		method string
		want   string
	}{
		"Use": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(sessions)
			e.POST("/shop/items/:id", h)
		}, "POST", "POST /shop/items/:id"},
		"Pre": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Pre(sessions)
			e.POST("/shop/items/:id", h)
		}, "POST", "POST /shop/items/:id"},
		"Group": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Group("/shop", sessions).POST("/items/:id", h)
		}, "POST", "POST /shop/items/:id"},
		"GroupInGroup": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Group("/shop", sessions).Group("/items").POST("/:id", h)
		}, "POST", "POST /shop/items/:id"},
		"Route": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.POST("/shop/items/:id", h, sessions)
		}, "POST", "POST /shop/items/:id"},
		"Any": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(sessions)
			e.Any("/shop/items/:id", h)
		}, "INVENTED", "/shop/items/:id"},
		"NotFound": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(sessions)
			e.RouteNotFound("/shop/*", h)
		}, "INVENTED", "/shop/*"},
		"None": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(sessions, func(echo.HandlerFunc) echo.HandlerFunc { return h })
		}, "POST", ""},
		"MethodNotAllowed": {func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(sessions, func(echo.HandlerFunc) echo.HandlerFunc { return h })
			e.GET("/shop/items/:id", hello)
		}, "POST", ""},
	} {
		t.Run(name, func(t *testing.T) {
			si, took := watch(t)
			e := newEcho()
			test.build(e, sessionecho.Middleware(si.Manager), si.counting(t, hello))
			w := serve(e, test.method, "/shop/items/7")
			if got := took(); !slices.Equal(got, []string{"created: " + test.want}) {
				t.Errorf("got the events %q, want created: %s", got, test.want)
			}
			serve(e, test.method, "/shop/items/7", "Cookie", cookie(t, w))
			if got := took(); !slices.Equal(got, []string{"loaded: " + test.want, "changed: " + test.want}) {
				t.Errorf("got the events %q, want loaded and changed: %s", got, test.want)
			}
		})
	}
}

// TestSharedBeforeRouting: a middleware may share its session with a goroutine while
// echo still looks for the route.
func TestSharedBeforeRouting(t *testing.T) {
	si, took := watch(t)
	committed := make(chan error, 1)
	e := newEcho()
	e.Pre(sessionecho.Middleware(si.Manager), func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			s, ctx := si.counted(t, c), c.Request().Context()
			go func() { committed <- s.Commit(ctx) }()
			return next(c)
		}
	})
	e.POST("/items/:id", func(c *echo.Context) error {
		if err := <-committed; err != nil {
			t.Error(err)
		}
		si.counted(t, c)
		return hello(c)
	})
	serve(e, "POST", "/items/7")
	if got, want := took(), []string{"created: ", "changed: POST /items/:id"}; !slices.Equal(got, want) {
		t.Errorf("got the events %q, want %q", got, want)
	}
}

// TestContextIsReused: echo serves the next request with the Context of this one, and a
// goroutine that was left behind reads the session meanwhile.
func TestContextIsReused(t *testing.T) {
	si, took := watch(t)
	goOn, read := make(chan struct{}), make(chan error, 1)
	e := newEcho()
	e.Use(sessionecho.Middleware(si.Manager))
	e.GET("/first", func(c *echo.Context) error {
		si.counted(t, c)
		ctx := c.Request().Context()
		go func() {
			<-goOn
			for range 100 {
				if s, err := si.Get(ctx); err != nil || s.Data().N != 1 {
					read <- err
					return
				}
			}
			read <- nil
		}()
		return hello(c)
	})
	e.GET("/other/:path", hello)
	serve(e, "GET", "/first")
	close(goOn)
	for range 100 {
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/other/a", nil))
	}
	if err := <-read; err != nil {
		t.Errorf("the session cannot be read after the request: %v", err)
	}
	if got := took(); !slices.Equal(got, []string{"created: GET /first"}) {
		t.Errorf("got the events %q, want the one of /first", got)
	}
}
