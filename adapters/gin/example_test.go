package sessiongin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/core/adaptertest"
)

type Shop struct{ Items []string }

// A shop, with a cart that a login keeps.
func ExampleMiddleware() {
	shops, err := session.New[Shop](adaptertest.NewStore(), nil) // in a program: memory.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	r := gin.New()
	r.Use(gin.Recovery()) // before the sessions: a handler that panics changes nothing
	r.Use(sessiongin.Middleware(shops, nil))

	r.GET("/cart", func(c *gin.Context) {
		s, err := shops.Get(c)
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		c.JSON(http.StatusOK, gin.H{"user": s.Subject(), "items": s.Data().Items})
	})
	r.POST("/cart/:item", func(c *gin.Context) {
		item := c.Param("item")
		s, err := shops.Get(c)
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		err = s.Update(func(shop *Shop) error {
			shop.Items = append(shop.Items, item)
			return nil
		})
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		c.Redirect(http.StatusSeeOther, "/cart")
	})
	r.POST("/login", func(c *gin.Context) {
		s, err := shops.Get(c)
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		if err := s.Login(c.PostForm("user"), nil); err != nil { // once you have checked the password
			session.Error(c.Writer, err)
			return
		}
		c.Redirect(http.StatusSeeOther, account.Next(c.PostForm("next")))
	})
	r.POST("/logout", func(c *gin.Context) {
		s, err := shops.Get(c)
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		if err := s.Destroy(); err != nil {
			session.Error(c.Writer, err)
			return
		}
		c.Status(http.StatusNoContent)
	})
	orders := r.Group("/orders", sessiongin.RequireLogin(shops, account.Guard{}))
	orders.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "none yet") })

	server := httptest.NewServer(http.NewCrossOriginProtection().Handler(r))
	defer server.Close()
	b := newBrowser(server)
	b.open("GET", "/orders/", nil)
	b.open("POST", "/cart/bread", nil)
	b.open("POST", "/cart/butter", nil)
	b.open("POST", "/login", url.Values{"user": {"ann"}, "next": {"/cart"}})
	b.open("GET", "/orders/", nil)
	b.open("POST", "/logout", nil)
	b.open("GET", "/cart", nil)
	// Output:
	// 401 Unauthorized
	// 200 {"items":["bread"],"user":""}
	// 200 {"items":["bread","butter"],"user":""}
	// 200 {"items":["bread","butter"],"user":"ann"}
	// 200 none yet
	// 204
	// 200 {"items":null,"user":""}
}

// An application's own page for a session that could not be stored.
func ExampleMiddleware_errorHandler() {
	down := adaptertest.NewStore()
	down.Lose()
	shops, err := session.New[Shop](down, nil)
	if err != nil {
		log.Fatal(err)
	}
	onError := func(c *gin.Context, err error) {
		c.JSON(session.HTTPStatus(err), gin.H{"message": "Please try again in a minute."})
	}
	r := gin.New()
	r.Use(sessiongin.Middleware(shops, &sessiongin.Options{OnError: onError}))
	r.GET("/", func(c *gin.Context) {
		s, err := shops.Get(c)
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		if err := s.Update(func(shop *Shop) error { shop.Items = []string{"bread"}; return nil }); err != nil {
			session.Error(c.Writer, err)
			return
		}
		c.String(http.StatusOK, "it is in your cart") // not sent
	})
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 503 {"message":"Please try again in a minute."}
}

// A handler may leave its errors to a middleware. That finds the reason of a
// session's error. The text of such an error is fit for clients.
func ExampleMiddleware_errors() {
	down := adaptertest.NewStore()
	shops, err := session.New[Shop](down, nil)
	if err != nil {
		log.Fatal(err)
	}
	cookie, err := shops.NewCookie(context.Background(), session.Info[Shop]{Subject: "ann"})
	if err != nil {
		log.Fatal(err)
	}
	down.Lose()
	r := gin.New()
	r.Use(func(c *gin.Context) { // before the sessions
		c.Next()
		if len(c.Errors) == 0 {
			return
		}
		err := c.Errors.Last()
		fmt.Println("store down:", errors.Is(err, session.ErrUnavailable))
		c.JSON(session.HTTPStatus(err), gin.H{"message": err.Error()})
	}, sessiongin.Middleware(shops, nil))
	r.GET("/", func(c *gin.Context) {
		s, err := shops.Get(c)
		if err != nil {
			c.Error(err)
			return
		}
		c.JSON(http.StatusOK, s.Data())
	})
	w, request := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	request.AddCookie(cookie)
	r.ServeHTTP(w, request)
	fmt.Println(w.Code, w.Body, w.Header().Get("Retry-After"))
	// Output:
	// store down: true
	// 503 {"message":"Service Unavailable"} 1
}

// Package account guards routes and lists devices.
func ExampleRequireLogin() {
	users, err := session.New[Shop](adaptertest.NewStore(), nil)
	if err != nil {
		log.Fatal(err)
	}
	guard := account.Guard{LoginURL: "/login"}
	r := gin.New()
	r.Use(sessiongin.Middleware(users, nil))
	r.Any("/devices/*device", gin.WrapH(http.StripPrefix("/devices", account.Devices(users, guard, nil))))
	orders := r.Group("/orders", sessiongin.RequireLogin(users, guard))
	orders.GET("/:year", func(c *gin.Context) { c.String(http.StatusOK, "none in %s", c.Param("year")) })

	for _, path := range []string{"/orders/2026", "/devices/"} {
		request := httptest.NewRequest("GET", path, nil)
		request.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, request)
		fmt.Println(w.Code, w.Result().Header.Get("Location"))
	}
	// Output:
	// 303 /login?next=%2Forders%2F2026
	// 303 /login?next=%2Fdevices%2F
}

// A test of a handler gives it a session, without a cookie and a login.
func ExampleMiddleware_test() {
	users, err := session.New[Shop](adaptertest.NewStore(), nil)
	if err != nil {
		log.Fatal(err)
	}
	r := gin.New()
	r.Use(sessiongin.Middleware(users, nil))
	r.GET("/", func(c *gin.Context) {
		s, err := users.Get(c)
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		c.String(http.StatusOK, "Hello %s, you have %v", s.Subject(), s.Data().Items)
	})
	ctx := users.NewContext(context.Background(), session.Info[Shop]{Subject: "ann", Data: Shop{Items: []string{"tea"}}})
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	fmt.Println(w.Body)
	// Output: Hello ann, you have [tea]
}

// A browser keeps its cookies and follows redirects.
type browser struct {
	client *http.Client
	url    string
}

func newBrowser(server *httptest.Server) browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	return browser{&http.Client{Jar: jar}, strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}
}

// open prints what the browser shows.
func (b browser) open(method, path string, form url.Values) {
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.client.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", string(body))))
}
