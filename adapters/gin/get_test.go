package sessiongin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
)

// TestGet: the session is found with gin's context, with that of the request,
// and with contexts made from them, with ContextWithFallback and without.
func TestGet(t *testing.T) {
	type key struct{}
	for _, fallback := range []bool{false, true} {
		si := newSite(t, nil)
		r := gin.New()
		r.ContextWithFallback = fallback
		r.Use(sessiongin.Middleware(si.Manager, nil))
		r.GET("/", func(c *gin.Context) {
			want := si.count(c)
			for name, ctx := range map[string]context.Context{
				"gin":             c,
				"derived":         context.WithValue(c, key{}, 1),
				"copy":            c.Copy(),
				"request":         c.Request.Context(),
				"derived request": context.WithoutCancel(c.Request.Context()),
			} {
				if got, err := si.Get(ctx); got != want {
					t.Errorf("fallback %t: Get by the context of %s returned another session, or the error %v", fallback, name, err)
				}
			}
		})
		serveAt(t, r).get("/", "").wants(t, 200, "", 1)
	}
}

// TestGetOutside: a middleware around may read the session that a handler has asked for.
func TestGetOutside(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Next()
		s, err := si.Get(c)
		if err != nil || s.Data().N != 1 {
			t.Errorf("after the handlers Get returned the error %v, want the session", err)
			return
		}
		if err := s.Update(count); !errors.Is(err, session.ErrHeadersSent) {
			t.Errorf("a change after the middleware: got the error %v, want ErrHeadersSent", err)
		}
	}, sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(c *gin.Context) { si.count(c) })
	serveAt(t, r).get("/", "").wants(t, 200, "", 1)
}

// TestGetWithout: on a route without the middleware, the error says what is missing.
func TestGetWithout(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.GET("/", func(c *gin.Context) {
		if _, err := si.Get(c); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("got the error %v, want ErrNoSession", err)
		}
	})
	r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

// TestClientLeft: gin's context never ends unless ContextWithFallback is set.
// So Get(c) loads a session for a client that has left, and Get with the
// context of the request does not. The commit is the same.
func TestClientLeft(t *testing.T) {
	for _, fallback := range []bool{false, true} {
		for name, of := range map[string]func(c *gin.Context) context.Context{
			"gin":     func(c *gin.Context) context.Context { return c },
			"request": func(c *gin.Context) context.Context { return c.Request.Context() },
		} {
			si := newSite(t, nil)
			r := gin.New()
			r.ContextWithFallback = fallback
			r.Use(sessiongin.Middleware(si.Manager, nil))
			r.GET("/", func(c *gin.Context) {
				_, err := si.Get(of(c))
				if loads := name == "gin" && !fallback; loads != (err == nil) || !loads && session.HTTPStatus(err) != 499 {
					t.Errorf("fallback %t: Get by the context of %s, when the client has left: got the error %v, want none: %t", fallback, name, err, loads)
				}
			})
			ctx, cancel := context.WithCancel(t.Context())
			request := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
			request.Header.Set("Cookie", si.visitor())
			cancel()
			r.ServeHTTP(httptest.NewRecorder(), request)
		}
	}
}

// TestCopy: a goroutine with a copy of c has the session while the request lasts, and
// can read it afterwards. Its changes are then refused, and Manager.Update makes them.
func TestCopy(t *testing.T) {
	si := newSite(t, nil)
	over, done := make(chan struct{}), make(chan error, 1)
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(c *gin.Context) {
		c.String(200, "%d", si.count(c).Data().N)
		copied := c.Copy()
		go func() {
			s, err := si.Get(copied)
			if err != nil {
				done <- err
				return
			}
			<-over
			if again, err := si.Get(copied); again != s || s.Data().N != 2 {
				t.Errorf("after the request Get returned another session, or the error %v", err)
			}
			if err := s.Update(count); !errors.Is(err, session.ErrHeadersSent) {
				t.Errorf("a change after the request: got the error %v, want ErrHeadersSent", err)
			}
			done <- si.Update(context.Background(), s.ID(), count)
		}()
	})
	cookie := si.visitor()
	serveAt(t, r).get("/", cookie).wants(t, 200, "2", 0)
	close(over)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := si.visits(cookie); got != 3 {
		t.Errorf("the session has %d visits, want 3", got)
	}
}

// TestStream: the cookie is in the header of a stream. The stream reads the session,
// keeps it alive and changes it, and the changes are saved when it ends.
func TestStream(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	r.GET("/events", func(c *gin.Context) {
		s := si.count(c)
		c.Stream(func(io.Writer) bool {
			c.SSEvent("visits", s.Data().N)
			if si.store.Len() != 1 {
				t.Error("the first event is on its way, and the session is not stored")
			}
			if err := errors.Join(s.Touch(c), s.Update(count)); err != nil {
				t.Error(err)
			}
			if err := s.Login("ann", nil); !errors.Is(err, session.ErrHeadersSent) {
				t.Errorf("a login in a stream: got the error %v, want ErrHeadersSent", err)
			}
			return s.Data().N < 3
		})
	})
	a := serveAt(t, r).get("/events", "")
	a.wants(t, 200, "event:visits\ndata:1\n\nevent:visits\ndata:2\n\n", 1)
	if got := si.visits(a.cookie()); got != 3 {
		t.Errorf("the session has %d visits, want 3", got)
	}
}

// TestSecondManager: the middleware of a group is inside that of the router.
func TestSecondManager(t *testing.T) {
	for path, test := range map[string]struct {
		status  int
		body    string
		cookies int
	}{
		"/":                {200, "", 0},
		"/shop/":           {201, "1 1", 2},
		"/shop/rerouted":   {201, "2 1", 2},
		"/shop/lost/outer": {503, "Service Unavailable", 0},
		"/shop/lost/inner": {503, "Service Unavailable", 1},
	} {
		t.Run(path, func(t *testing.T) {
			all := newSite(t, nil)
			shop := newSite(t, &session.Options{Cookie: session.Cookie{Name: "__Host-shop"}})
			r := gin.New()
			r.Use(gin.RecoveryWithWriter(io.Discard), sessiongin.Middleware(all.Manager, nil))
			r.GET("/", func(c *gin.Context) {
				if _, err := shop.Get(c); err == nil {
					t.Error("outside of the group its manager has a session")
				}
			})
			g := r.Group("/shop", sessiongin.Middleware(shop.Manager, nil))
			g.GET("/", func(c *gin.Context) { c.String(201, fmt.Sprint(all.count(c).Data().N, shop.count(c).Data().N)) })
			g.GET("/rerouted", func(c *gin.Context) { all.count(c); reroute(r, "/shop/")(c) })
			g.GET("/lost/:which", func(c *gin.Context) {
				all.count(c)
				shop.count(c)
				map[string]site{"outer": all, "inner": shop}[c.Param("which")].store.Lose()
				c.Status(201)
			})
			serveAt(t, r).get(path, "").wants(t, test.status, test.body, test.cookies)
		})
	}
}

// TestNewContext: a test of a handler gives it a session without a cookie.
func TestNewContext(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(c *gin.Context) { c.String(200, "%s %d", si.count(c).Subject(), si.count(c).Data().N) })
	w := httptest.NewRecorder()
	ctx := si.NewContext(t.Context(), session.Info[visit]{Subject: "ann"})
	r.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", http.NoBody))
	if got := w.Body.String(); got != "ann 2" {
		t.Errorf("got %q, want ann 2", got)
	}
}
