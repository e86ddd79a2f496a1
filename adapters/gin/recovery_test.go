package sessiongin_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
)

// ofGin are the ways of gin to recover from a panic.
var ofGin = map[string]gin.HandlerFunc{
	"Recovery":       gin.RecoveryWithWriter(io.Discard),
	"CustomRecovery": gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.String(500, "sorry") }),
	"HandlesAndDoes": gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatusJSON(500, "sorry") }),
}

// TestPanic: a recovery before the sessions answers the panic, and nothing is
// committed. After the sessions, its answer is a response like any other, and
// the session is committed.
func TestPanic(t *testing.T) {
	for name, recovery := range ofGin {
		for place, inside := range map[string]bool{"Before": false, "After": true} {
			t.Run(name+place, func(t *testing.T) {
				si := newSite(t, nil)
				r := gin.New()
				if sessions := sessiongin.Middleware(si.Manager, nil); inside {
					r.Use(sessions, recovery)
				} else {
					r.Use(recovery, sessions)
				}
				r.GET("/", func(c *gin.Context) {
					si.count(c)
					panic("out of bread")
				})
				body, kept := map[string]string{"Recovery": "", "CustomRecovery": "sorry", "HandlesAndDoes": `"sorry"`}[name], 0
				if inside {
					kept = 1
				}
				serveAt(t, r).get("/", "").wants(t, 500, body, kept)
				if got := si.store.Len(); got != kept {
					t.Errorf("the store has %d sessions, want %d", got, kept)
				}
			})
		}
	}
}

// TestPanicGivesBack: after a panic c is as it was before the middleware.
func TestPanicGivesBack(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(func(c *gin.Context) {
		w, request := c.Writer, c.Request
		defer func() {
			_ = recover()
			if c.Writer != w || c.Request != request {
				t.Error("outside, after a panic, c has the Writer or the Request of the middleware")
			}
		}()
		c.Next()
	}, sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(*gin.Context) { panic("out of bread") })
	serveAt(t, r).get("/", "").wants(t, 200, "", 0)
}

// late are handlers that have begun the response in several ways.
var late = map[string]func(c *gin.Context){
	"Written": func(c *gin.Context) { c.String(200, "hello") },
	"Flushed": func(c *gin.Context) { c.String(200, "hello"); c.Writer.Flush() },
	"Status":  func(c *gin.Context) { c.AbortWithStatus(204) },
	"Stream":  func(c *gin.Context) { c.Stream(func(w io.Writer) bool { io.WriteString(w, "hello"); return false }) },
}

// TestLateFailure: a late change that cannot be stored cuts the connection,
// even with gin.Recovery outside, which would let the response end as if it
// were whole.
func TestLateFailure(t *testing.T) {
	ways := map[string]gin.HandlerFunc{"None": func(*gin.Context) {}}
	for name, recovery := range ofGin {
		ways[name] = recovery
	}
	for name, recovery := range ways {
		for begun, begin := range late {
			t.Run(name+begun, func(t *testing.T) {
				si := newSite(t, nil)
				r := gin.New()
				r.Use(recovery, sessiongin.Middleware(si.Manager, nil))
				r.GET("/", func(c *gin.Context) {
					if _, err := si.Get(c); err != nil {
						t.Error(err)
					}
					begin(c)
					si.count(c)
					si.store.Lose()
				})
				if a, err := serveAt(t, r).do("GET", "/", si.visitor()); err == nil {
					t.Errorf("got status %d, body %q as a success, want a connection that is cut", a.StatusCode, a.body)
				}
			})
		}
	}
}

// TestLatePanic: a panic after the response has begun does not look like a
// success.
func TestLatePanic(t *testing.T) {
	for begun, begin := range late {
		t.Run(begun, func(t *testing.T) {
			si := newSite(t, nil)
			r := gin.New()
			r.Use(gin.RecoveryWithWriter(io.Discard), sessiongin.Middleware(si.Manager, nil))
			r.GET("/", func(c *gin.Context) {
				if _, err := si.Get(c); err != nil {
					t.Error(err)
				}
				begin(c)
				si.count(c)
				panic("out of bread")
			})
			cookie := si.visitor()
			if a, err := serveAt(t, r).do("GET", "/", cookie); err == nil {
				t.Errorf("got status %d, body %q as a success, want a connection that is cut", a.StatusCode, a.body)
			}
			if got := si.visits(cookie); got != 1 {
				t.Errorf("the session has %d visits, want 1: a panic commits nothing more", got)
			}
		})
	}
}

// TestCutIsComplete: if the client already has the whole response, the
// connection at least takes no other request, because its deadline has passed.
func TestCutIsComplete(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(gin.RecoveryWithWriter(io.Discard), sessiongin.Middleware(si.Manager, nil))
	r.GET("/whole", func(c *gin.Context) {
		if _, err := si.Get(c); err != nil {
			t.Error(err)
		}
		c.Header("Content-Length", "5")
		c.String(200, "hello")
		c.Writer.Flush()
		si.count(c)
		si.store.Lose()
	})
	handled := make(chan struct{}, 2)
	r.POST("/next", func(c *gin.Context) {
		handled <- struct{}{}
		c.String(200, "next")
	})
	at := serveAt(t, r)
	if a, err := at.do("GET", "/whole", si.visitor()); err != nil || a.body != "hello" {
		t.Fatalf("got body %q, %v, want the whole response: the test looks wrongly", a.body, err)
	}
	a, err := at.do("POST", "/next", "")
	if err != nil { // it was being sent when the connection ended
		a, err = at.do("POST", "/next", "")
	}
	if err != nil || a.body != "next" || len(handled) != 1 {
		t.Errorf("the next request: got body %q, %v, want next; it was handled %d times, want once", a.body, err, len(handled))
	}
}

// TestLateFailureAfterHijack: a connection that the handler has taken over is
// not cut.
func TestLateFailureAfterHijack(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	ended := make(chan any, 1)
	r.Use(func(c *gin.Context) {
		defer func() { ended <- recover() }()
		c.Next()
	}, sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(c *gin.Context) {
		if _, err := si.Get(c); err != nil {
			t.Error(err)
		}
		takeOver(c, nil, "hello")
		si.count(c)
		si.store.Lose()
	})
	serveAt(t, r).get("/", si.visitor()).wants(t, 200, "hello", 0)
	if got := <-ended; got != nil {
		t.Errorf("the middleware panicked: %v", got)
	}
}

// TestCutLogsNoCookie: gin.Recovery logs neither the cookie nor the reason of a
// cut. It would log the header of a request whose client has left.
func TestCutLogsNoCookie(t *testing.T) {
	si := newSite(t, nil)
	var log bytes.Buffer
	ended := make(chan struct{})
	r := gin.New()
	r.Use(func(c *gin.Context) { c.Next(); close(ended) }, gin.RecoveryWithWriter(&log), sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(c *gin.Context) {
		if _, err := si.Get(c); err != nil {
			t.Error(err)
		}
		c.String(200, "hello")
		si.count(c)
		si.store.Lose()
	})
	at := serveAt(t, r)
	cookie := si.visitor()
	if _, err := at.do("GET", "/", cookie); err == nil {
		t.Error("the connection was not cut")
	}
	<-ended
	_, token, _ := strings.Cut(cookie, "=")
	if got := log.String(); !strings.Contains(got, "sessiongin: a change") || strings.Contains(got, token) {
		t.Errorf("gin.Recovery logged\n%s\nwant what has happened, without the token", got)
	}
}

// TestAbortHandler: a handler may cut the connection itself. That commits
// nothing.
func TestAbortHandler(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(c *gin.Context) {
		si.count(c)
		panic(http.ErrAbortHandler)
	})
	if a, err := serveAt(t, r).do("GET", "/", ""); !errors.Is(err, io.EOF) || si.store.Len() != 0 {
		t.Errorf("got %v, %v and %d sessions, want a cut and none", a.Response, err, si.store.Len())
	}
}
