package sessionecho_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/core/adaptertest"
)

type Basket struct{ Items []string }

func ExampleMiddleware() {
	baskets, err := session.New[Basket](adaptertest.NewStore(), nil) // in a program: memory.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(sessionecho.Middleware(baskets)) // after middleware.Recover: a handler that panics changes nothing
	e.GET("/add/:item", func(c *echo.Context) error {
		item := c.Param("item")
		s, err := baskets.Get(c.Request().Context())
		if err != nil {
			return err // a 503 if the store is down
		}
		err = s.Update(func(b *Basket) error {
			b.Items = append(b.Items, item)
			return nil
		})
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprintln(s.Data().Items))
	})

	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/add/bread", nil))
	fmt.Print(w.Body)
	fmt.Println(w.Result().Cookies()[0].Name)
	// Output:
	// [bread]
	// __Host-session
}

// A shop: a visitor fills a basket, logs in, and logs out.
func ExampleMiddleware_shop() {
	baskets, err := session.New[Basket](adaptertest.NewStore(), nil) // in a program: memory.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(sessionecho.Middleware(baskets))
	e.POST("/items", func(c *echo.Context) error {
		s, err := baskets.Get(c.Request().Context())
		if err != nil {
			return err
		}
		item := c.FormValue("item")
		err = s.Update(func(b *Basket) error {
			b.Items = append(b.Items, item)
			return nil
		})
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/")
	})
	e.POST("/login", func(c *echo.Context) error {
		s, err := baskets.Get(c.Request().Context())
		if err != nil {
			return err
		}
		if err := s.Login(c.FormValue("user"), nil); err != nil { // once you have checked the password
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/")
	})
	e.POST("/logout", func(c *echo.Context) error {
		s, err := baskets.Get(c.Request().Context())
		if err != nil {
			return err
		}
		if err := s.Destroy(); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, "/")
	})
	e.GET("/", func(c *echo.Context) error {
		s, err := baskets.Get(c.Request().Context())
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprintf("%q has %q\n", s.Subject(), s.Data().Items))
	})

	server := httptest.NewTLSServer(e)
	defer server.Close()
	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	post := func(path string, form url.Values) {
		resp, err := browser.PostForm(server.URL+path, form)
		if err != nil {
			log.Fatal(err)
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(string(page))
	}
	post("/items", url.Values{"item": {"bread"}})
	post("/items", url.Values{"item": {"butter"}})
	post("/login", url.Values{"user": {"ann"}})
	post("/logout", nil)
	// Output:
	// "" has ["bread"]
	// "" has ["bread" "butter"]
	// "ann" has ["bread" "butter"]
	// "" has []
}

// Metrics and logs can name the route and not each path.
func ExampleMiddleware_route() {
	baskets, err := session.New[Basket](adaptertest.NewStore(), &session.Options{
		Observer: func(_ context.Context, e session.Event) { fmt.Println(e.Kind, "by", e.Route) },
	})
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(sessionecho.Middleware(baskets))
	e.Group("/baskets").POST("/:owner/items", func(c *echo.Context) error {
		s, err := baskets.Get(c.Request().Context())
		if err != nil {
			return err
		}
		return s.Update(func(b *Basket) error { b.Items = append(b.Items, "bread"); return nil })
	})
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/baskets/ann/items", nil))
	// Output: created by POST /baskets/:owner/items
}

// The error handler of an application answers if a session cannot be loaded or stored,
// as it answers other errors.
func ExampleMiddleware_errorHandler() {
	down := adaptertest.NewStore()
	down.Lose()
	baskets, err := session.New[Basket](down, &session.Options{Observer: func(context.Context, session.Event) {}})
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		r, status := echo.ResolveResponseStatus(c.Response(), err)
		if r != nil && r.Committed {
			return // it has been sent
		}
		_ = c.String(status, "Please try again in a minute.\n") // the client left; nobody to tell
	}
	e.Use(sessionecho.Middleware(baskets))
	e.GET("/", func(c *echo.Context) error {
		s, err := baskets.Get(c.Request().Context())
		if err != nil {
			return err
		}
		err = s.Update(func(b *Basket) error { b.Items = append(b.Items, "bread"); return nil })
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, "it is in your basket\n") // not sent
	})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 503 Please try again in a minute.
}

// Package account guards routes and lists devices. It returns handlers of
// net/http, and echo wraps them.
func ExampleMiddleware_account() {
	users, err := session.New[Basket](adaptertest.NewStore(), nil)
	if err != nil {
		log.Fatal(err)
	}
	guard := account.Guard{LoginURL: "/login"}
	e := echo.New()
	e.Use(sessionecho.Middleware(users))
	devices := echo.WrapHandler(http.StripPrefix("/devices", account.Devices(users, guard, nil)))
	e.Any("/devices", devices)
	e.Any("/devices/*", devices)
	orders := e.Group("/orders", echo.WrapMiddleware(account.RequireLogin(users, guard)))
	orders.GET("/:year", func(c *echo.Context) error { return c.String(http.StatusOK, "none yet") })

	request := httptest.NewRequest("GET", "/orders/2026", nil)
	request.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, request)
	fmt.Println(w.Code, w.Result().Header.Get("Location"))
	// Output: 303 /login?next=%2Forders%2F2026
}
