package sessiongin_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
)

// TestErrorHandler: OnError answers a failed commit, and nothing of the
// handler's response is in its answer.
func TestErrorHandler(t *testing.T) {
	for name, test := range map[string]struct {
		opts   *sessiongin.Options
		status int
		body   string
	}{
		"Default": {nil, 503, "Service Unavailable"},
		"Nil":     {&sessiongin.Options{}, 503, "Service Unavailable"},
		"Own": {&sessiongin.Options{OnError: func(c *gin.Context, err error) {
			if !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("got the error %v, want ErrUnavailable", err)
			}
			c.AbortWithStatusJSON(502, gin.H{"sorry": c.GetString("user") + " " + c.Param("id") + " " + c.FullPath()})
		}}, 502, `{"sorry":"ann 7 /pay/:id"}`},
		"BodyOnly":      {&sessiongin.Options{OnError: func(c *gin.Context, _ error) { c.Writer.WriteString("sorry") }}, 503, "sorry"},
		"Status":        {&sessiongin.Options{OnError: func(c *gin.Context, _ error) { c.Status(502) }}, 502, ""},
		"Redirects":     {&sessiongin.Options{OnError: func(c *gin.Context, _ error) { c.Redirect(303, "/sorry") }}, 303, "<a href=\"/sorry\">See Other</a>.\n\n"},
		"WritesNothing": {&sessiongin.Options{OnError: func(*gin.Context, error) {}}, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, nil)
			calls := 0
			opts := test.opts
			if opts != nil && opts.OnError != nil {
				opts = &sessiongin.Options{OnError: func(c *gin.Context, err error) {
					calls++
					test.opts.OnError(c, err)
				}}
			}
			r := gin.New()
			r.Use(gin.RecoveryWithWriter(io.Discard), showErrors, func(c *gin.Context) {
				c.Header("Access-Control-Allow-Origin", "https://shop.example")
				c.Header("X-Frame-Options", "DENY")
				c.SetCookie("theme", "dark", 0, "", "", false, false)
				c.Next()
				c.Writer.WriteString("added by a middleware outside")
			}, sessiongin.Middleware(si.Manager, opts))
			r.GET("/pay/:id", func(c *gin.Context) {
				si.count(c)
				si.store.Lose()
				c.Set("user", "ann")
				header := c.Writer.Header()
				header.Set("ETag", `"a"`)
				header.Set("Content-Length", "4")
				header.Set("Location", "/paid")
				header.Set("Trailer", "Checksum")
				header.Set(http.TrailerPrefix+"Sum", "1")
				header.Add("Set-Cookie", "paid=yes")
				header.Set("HX-Redirect", "/paid")
				header["x-paid"] = []string{"yes"}
				header.Set("X-Frame-Options", "SAMEORIGIN")
				c.Status(201)
				if _, err := c.Writer.WriteString("paid"); !errors.Is(err, session.ErrUnavailable) || strings.Contains(err.Error(), "session") {
					t.Errorf("a write of the response that is replaced: got the error %v, want that of the commit without its text", err)
				}
				if !c.Writer.Written() || c.Writer.Status() != test.status {
					t.Errorf("after the commit the status is %d, sent: %t, want %d, which the client need not wait for", c.Writer.Status(), c.Writer.Written(), test.status)
				}
				c.Status(202)
				c.JSON(200, "paid")
				if !c.IsAborted() {
					t.Error("gin has not noticed that the response could not be rendered")
				}
				c.Writer.WriteHeaderNow()
				c.Writer.Flush()
				if err := http.NewResponseController(c.Writer).Flush(); !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("Flush by http.ResponseController: got the error %v, want that of the commit", err)
				}
				header.Set(http.TrailerPrefix+"Late", "1")
			})
			a := serveAt(t, r).get("/pay/7", "")
			a.wants(t, test.status, test.body, 1)
			for _, name := range []string{"Etag", "Trailer", "Hx-Redirect", "X-Paid"} {
				if got, ok := a.Header[name]; ok {
					t.Errorf("the answer has the handler's %s: %q", name, got)
				}
			}
			if got := a.Header.Get("Location"); got == "/paid" {
				t.Errorf("the answer has the handler's Location")
			}
			for name, want := range map[string]string{
				"X-Frame-Options": "DENY", "Set-Cookie": "theme=dark; Path=/", "Access-Control-Allow-Origin": "https://shop.example",
				"Cache-Control": "no-store", "Retry-After": "1",
			} {
				if got := a.Header[name]; !slices.Equal(got, []string{want}) {
					t.Errorf("got %s %q, want %q", name, got, want)
				}
			}
			if len(a.Trailer) > 0 {
				t.Errorf("the answer has the handler's trailers %v", a.Trailer)
			}
			if opts != nil && opts.OnError != nil && calls != 1 {
				t.Errorf("the error handler was called %d times, want once", calls)
			}
		})
	}
}

// TestErrors: an error of the session tells the client nothing, whichever way a
// handler reports it. An outer middleware still finds the reason.
func TestErrors(t *testing.T) {
	own := errors.New("no bread")
	for name, test := range map[string]struct {
		report func(c *gin.Context, err error)
		body   string
		sent   bool // by gin, before it knows the error
	}{
		"Error":          {func(c *gin.Context, err error) { _ = c.Error(err) }, `{"message":"Service Unavailable"}`, false},
		"ErrorPublic":    {func(c *gin.Context, err error) { _ = c.Error(err).SetType(gin.ErrorTypePublic) }, `{"message":"Service Unavailable"}`, false},
		"Wrapped":        {func(c *gin.Context, err error) { _ = c.Error(fmt.Errorf("basket: %w", err)) }, `{"message":"Service Unavailable"}`, false},
		"AbortWithError": {func(c *gin.Context, err error) { _ = c.AbortWithError(503, err) }, `{"message":"Service Unavailable"}`, true},
		"Own":            {func(c *gin.Context, _ error) { _ = c.Error(own) }, `{"message":"no bread"}`, false},
		"session.Error":  {func(c *gin.Context, err error) { session.Error(c.Writer, err); c.Abort() }, "Service Unavailable\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, nil)
			r := gin.New()
			var seen []*gin.Error
			var log bytes.Buffer
			r.Use(gin.LoggerWithWriter(&log), func(c *gin.Context) {
				c.Next()
				seen = c.Errors
			}, showErrors, sessiongin.Middleware(si.Manager, nil))
			cookie := si.visitor()
			r.GET("/", func(c *gin.Context) {
				si.store.Lose()
				_, err := si.Get(c)
				if !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("got the error %v, want ErrUnavailable", err)
				}
				test.report(c, err)
			})
			a := serveAt(t, r).get("/", cookie)
			if a.body != test.body {
				t.Errorf("got the body %q, want %q", a.body, test.body)
			}
			if got := a.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("got Cache-Control %q, want no-store", got)
			}
			if strings.Contains(log.String(), "session:") {
				t.Errorf("gin logs %q, which is not for those who read it", log.String())
			}
			for _, e := range seen {
				if want := map[bool]error{true: own, false: session.ErrUnavailable}[name == "Own"]; !errors.Is(e, want) {
					t.Errorf("outside, c.Errors has %v, want one that wraps %v", e.Err, want)
				}
			}
		})
	}
}

// TestLogger: before the sessions, gin's logger sees the status that is sent.
// After them, it logs before the commit.
func TestLogger(t *testing.T) {
	si := newSite(t, nil)
	var outer, inner bytes.Buffer
	line := func(p gin.LogFormatterParams) string { return fmt.Sprint(p.StatusCode, " ", p.BodySize) }
	r := gin.New()
	r.Use(gin.LoggerWithConfig(gin.LoggerConfig{Formatter: line, Output: &outer}), sessiongin.Middleware(si.Manager, nil),
		gin.LoggerWithConfig(gin.LoggerConfig{Formatter: line, Output: &inner}))
	r.GET("/lost", func(c *gin.Context) {
		si.count(c)
		si.store.Lose()
		c.Status(201)
	})
	r.GET("/kept", func(c *gin.Context) { si.count(c); c.String(201, "kept") })
	at := serveAt(t, r)
	for _, test := range []struct{ path, outer, inner string }{{"/kept", "201 4", "201 4"}, {"/lost", "503 19", "201 -1"}} {
		outer.Reset()
		inner.Reset()
		at.get(test.path, "")
		if outer.String() != test.outer || inner.String() != test.inner {
			t.Errorf("%s: around the sessions gin logs %q, after them %q, want %q, %q", test.path, outer.String(), inner.String(), test.outer, test.inner)
		}
	}
}

// TestUpload: the server removes the files of a form that the handler has read.
func TestUpload(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	si := newSite(t, nil)
	r := gin.New()
	r.MaxMultipartMemory = 1 // even with this limit ReadForm keeps 10 MB in memory
	r.Use(sessiongin.Middleware(si.Manager, nil))
	files := func() int {
		found, err := os.ReadDir(os.TempDir())
		if err != nil {
			t.Error(err)
		}
		return len(found)
	}
	r.POST("/", func(c *gin.Context) {
		if _, err := c.FormFile("photo"); err != nil || files() != 1 {
			t.Errorf("the form has the error %v and %d files, want one", err, files())
		}
	})
	at := serveAt(t, r)
	body := "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\n" + strings.Repeat("x", 11<<20) + "\r\n--x--\r\n"
	resp, err := http.Post(at.server.URL, "multipart/form-data; boundary=x", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	at.server.Close() // waits for the end of the request
	if got := files(); got != 0 {
		t.Errorf("%d files of the form are left", got)
	}
}
