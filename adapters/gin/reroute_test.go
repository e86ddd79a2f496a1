package sessiongin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
)

// reroute makes a handler that has the router serve another path.
func reroute(r *gin.Engine, path string) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.URL.Path = path
		r.HandleContext(c)
	}
}

// TestHandleContext: gin takes away the writer and the keys. The handler of the
// new route still has the same session, and the response its cookie.
func TestHandleContext(t *testing.T) {
	for name, test := range map[string]struct {
		path   string
		lost   bool
		status int
		body   string
		kept   int
	}{
		"Writes":     {"/writes", false, 200, "2", 1},
		"Nothing":    {"/nothing", false, 200, "", 1},
		"NoRoute":    {"/unknown", false, 404, "404 page not found", 1},
		"Twice":      {"/again", false, 200, "3", 1},
		"Lost":       {"/writes", true, 503, "Service Unavailable", 0},
		"LostThere":  {"/nothing", true, 503, "Service Unavailable", 0},
		"LostRouted": {"/unknown", true, 503, "Service Unavailable", 0},
	} {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, nil)
			r := gin.New()
			r.Use(gin.RecoveryWithWriter(io.Discard), sessiongin.Middleware(si.Manager, nil))
			writes := func(c *gin.Context) { c.String(200, fmt.Sprint(si.count(c).Data().N)) }
			first := func(c *gin.Context) {
				si.count(c)
				if test.lost {
					si.store.Lose()
				}
				reroute(r, test.path)(c)
			}
			if test.lost {
				writes = func(c *gin.Context) { c.String(200, "kept") }
			}
			r.GET("/writes", writes)
			r.GET("/nothing", func(*gin.Context) {})
			r.GET("/again", func(c *gin.Context) { si.count(c); reroute(r, "/writes")(c) })
			r.GET("/", first)
			a := serveAt(t, r).get("/", "")
			a.wants(t, test.status, test.body, test.kept)
			if got := si.store.Len(); got != test.kept {
				t.Errorf("the store has %d sessions, want %d", got, test.kept)
			}
		})
	}
}

// TestHandleContextOfNoRoute: a handler for missing routes may call
// HandleContext, as for a single-page application.
func TestHandleContextOfNoRoute(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	r.GET("/index", func(c *gin.Context) { c.String(200, fmt.Sprint(si.count(c).Data().N)) })
	r.NoRoute(reroute(r, "/index"))
	a := serveAt(t, r).get("/unknown", "")
	a.wants(t, 200, "1", 1)
}

// TestHandleContextAfterwards: an outer middleware may call HandleContext after
// this one has returned.
func TestHandleContextAfterwards(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Next()
		if c.Writer.Status() == 404 && !c.Writer.Written() {
			reroute(r, "/index")(c)
		}
	}, sessiongin.Middleware(si.Manager, nil))
	r.GET("/index", func(c *gin.Context) { c.String(200, fmt.Sprint(si.count(c).Data().N)) })
	serveAt(t, r).get("/unknown", "").wants(t, 200, "1", 1)
}

// TestHandleContextPassesBy: on a route without the middleware, the response
// begins without the session. If the session needs a cookie or cannot be
// stored, the client sees a failure, and a panic tells the program why.
func TestHandleContextPassesBy(t *testing.T) {
	for name, test := range map[string]struct {
		act   func(si site, c *gin.Context)
		known bool
		cut   bool
	}{
		"Unused":  {func(site, *gin.Context) {}, true, false},
		"Read":    {func(si site, c *gin.Context) { _, _ = si.Get(c) }, true, false},
		"Changed": {func(si site, c *gin.Context) { si.count(c) }, true, false},
		"New":     {func(si site, c *gin.Context) { si.count(c) }, false, true},
		"Login": {func(si site, c *gin.Context) {
			if err := si.count(c).Login("ann", nil); err != nil {
				si.t.Error(err)
			}
		}, true, true},
		"Logout": {func(si site, c *gin.Context) {
			if err := si.count(c).Destroy(); err != nil {
				si.t.Error(err)
			}
		}, true, true},
		"Lost": {func(si site, c *gin.Context) { si.count(c); si.store.Lose() }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, nil)
			panicked := make(chan any, 2)
			r := gin.New()
			r.Use(func(c *gin.Context) {
				defer func() { panicked <- recover() }() // as gin.Recovery
				c.Next()
			})
			r.GET("/bare", func(c *gin.Context) { c.String(200, "bare") })
			r.GET("/", sessiongin.Middleware(si.Manager, nil), func(c *gin.Context) {
				test.act(si, c)
				reroute(r, "/bare")(c)
			})
			cookie := ""
			if test.known {
				cookie = si.visitor()
			}
			a, err := serveAt(t, r).do("GET", "/", cookie)
			<-panicked // that of the inner call
			got := <-panicked
			if !test.cut {
				if err != nil || a.body != "bare" || got != nil {
					t.Errorf("got body %q, error %v, panic %v, want the response", a.body, err, got)
				}
				return
			}
			if err == nil {
				t.Errorf("got status %d, body %q as a success, want a connection that is cut", a.StatusCode, a.body)
			}
			if reason, _ := got.(error); reason == nil || !strings.Contains(reason.Error(), "HandleContext") {
				t.Errorf("got the panic %v, want one that says what to do", got)
			}
		})
	}
}

// TestTwice: the middleware on the router and on a group makes one session.
func TestTwice(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	g := r.Group("/shop", sessiongin.Middleware(si.Manager, nil))
	g.GET("/", func(c *gin.Context) { c.String(200, fmt.Sprint(si.count(c).Data().N)) })
	serveAt(t, r).get("/shop/", "").wants(t, 200, "1", 1)
}

// TestRouterInRouter: a gin router that is a handler of another router finds
// its session.
func TestRouterInRouter(t *testing.T) {
	si := newSite(t, nil)
	inner, outer := gin.New(), gin.New()
	inner.Use(sessiongin.Middleware(si.Manager, nil))
	inner.GET("/inner/", func(c *gin.Context) { c.String(200, fmt.Sprint(si.count(c).Data().N)) })
	outer.Use(sessiongin.Middleware(si.Manager, nil), func(c *gin.Context) { si.count(c) })
	outer.GET("/inner/", gin.WrapH(inner))
	serveAt(t, outer).get("/inner/", "").wants(t, 200, "2", 1)
}

// TestRoute: events name the method and the pattern of the route by which the request
// came, whole across groups.
func TestRoute(t *testing.T) {
	var routes []string
	si := newSite(t, &session.Options{Observer: func(_ context.Context, e session.Event) {
		routes = append(routes, string(e.Kind)+": "+e.Route)
	}})
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	visit := func(c *gin.Context) { si.count(c) }
	r.Group("/shop").Group("/items").POST("/:id", visit)
	r.GET("/rerouted", visit, reroute(r, "/shop/items/7"))
	r.NoRoute(visit)
	for _, test := range []struct{ method, path, want string }{
		{"POST", "/shop/items/7", "created: POST /shop/items/:id"},
		{"GET", "/rerouted", "created: GET /rerouted"},
		{"GET", "/unknown", "created: "},
	} {
		routes = nil
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(test.method, test.path, nil))
		if !slices.Equal(routes, []string{test.want}) {
			t.Errorf("%s %s: got the events %q, want %q", test.method, test.path, routes, test.want)
		}
	}
}

// TestOutsideSeesRequest: outside of gin, the request has the form that was
// read inside.
func TestOutsideSeesRequest(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	r.POST("/", func(c *gin.Context) {
		if got := c.PostForm("count"); got != "2" {
			t.Errorf("the form has count %q, want 2", got)
		}
	})
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("count=2"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.ServeHTTP(httptest.NewRecorder(), request)
	if got := request.PostForm.Get("count"); got != "2" {
		t.Errorf("outside, the form has count %q, want 2", got)
	}
}

// closing is the writer of a middleware. Nobody may write to it after the
// middleware has returned, because such writers are pooled, as for compression.
type closing struct {
	gin.ResponseWriter
	t      *testing.T
	closed bool
}

func (w *closing) WriteString(s string) (int, error) {
	if w.closed {
		w.t.Errorf("%q was written to the writer of a middleware that has returned", s)
	}
	return w.ResponseWriter.WriteString(s)
}

// TestHandleContextWriters: the handlers after HandleContext write through the
// outer middlewares that have run again. The handler before it writes through
// those of the first run.
func TestHandleContextWriters(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(func(c *gin.Context) {
		w := &closing{ResponseWriter: c.Writer, t: t}
		c.Writer = w
		c.Next()
		w.closed = true
	}, sessiongin.Middleware(si.Manager, nil))
	r.GET("/inner", func(c *gin.Context) {
		si.count(c)
		c.Writer.WriteString("inner ")
	})
	r.GET("/", func(c *gin.Context) {
		w := c.Writer
		reroute(r, "/inner")(c)
		w.WriteString("outer")
	})
	serveAt(t, r).get("/", "").wants(t, 200, "inner outer", 1)
}
