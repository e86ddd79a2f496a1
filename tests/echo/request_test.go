package sessionecho_test

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	sessionecho "github.com/gostateful/session/adapters/echo"
)

// TestOutsideSeesRequest: what the router and the form tell the request is known around
// echo, wherever the middleware is, also after a panic.
func TestOutsideSeesRequest(t *testing.T) {
	for name, install := range map[string]func(e *echo.Echo, m echo.MiddlewareFunc){
		"Pre":           func(e *echo.Echo, m echo.MiddlewareFunc) { e.Pre(m) },
		"Use":           func(e *echo.Echo, m echo.MiddlewareFunc) { e.Use(m) },
		"RequestCopied": func(e *echo.Echo, m echo.MiddlewareFunc) { e.Use(m, middleware.ContextTimeout(time.Minute)) },
	} {
		for panics, suffix := range map[bool]string{false: "", true: "Panics"} {
			t.Run(name+suffix, func(t *testing.T) {
				e := newEcho()
				e.Pre(middleware.Recover())
				install(e, sessionecho.Middleware(newSite(t, nil).Manager))
				e.POST("/items/:item", func(c *echo.Context) error {
					if c.FormValue("count") != "2" {
						t.Errorf("the handler sees the form %v, want a count of 2", c.Request().Form)
					}
					return echo.WrapHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						if r.PathValue("item") != "bread" {
							t.Errorf("the handler sees the path value %q, want bread", r.PathValue("item"))
						}
						if panics {
							panic("out of bread")
						}
					}))(c)
				})
				r := httptest.NewRequest("POST", "/items/bread?gift=yes", strings.NewReader("count=2"))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				e.ServeHTTP(httptest.NewRecorder(), r)
				if r.Pattern != "/items/:item" || r.PathValue("item") != "bread" || r.PostForm.Get("count") != "2" || r.Form.Get("gift") != "yes" {
					t.Errorf("outside, the request has the pattern %q, the path value %q and the forms %v, %v, want those of the handler", r.Pattern, r.PathValue("item"), r.PostForm, r.Form)
				}
			})
		}
	}
}

// TestOutsideSeesPatternInTime: a writer outside knows the pattern when the header comes.
func TestOutsideSeesPatternInTime(t *testing.T) {
	e := newEcho()
	e.Pre(sessionecho.Middleware(newSite(t, nil).Manager))
	e.GET("/items/:item", hello)
	seen := ""
	r := httptest.NewRequest("GET", "/items/bread", nil)
	e.ServeHTTP(headerWatcher{httptest.NewRecorder(), func() { seen = r.Pattern }}, r)
	if seen != "/items/:item" {
		t.Errorf("outside, the request has the pattern %q when the header comes, want that of the route", seen)
	}
}

// A headerWatcher is a writer of a middleware around echo.
type headerWatcher struct {
	http.ResponseWriter
	comes func()
}

func (w headerWatcher) WriteHeader(status int) {
	w.comes()
	w.ResponseWriter.WriteHeader(status)
}

// TestFormFiles: the server still finds the temporary files of a form, which it removes
// when the handler is done.
func TestFormFiles(t *testing.T) {
	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	part, err := mw.CreateFormFile("file", "big.txt")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(part, strings.Repeat("big", 1000))
	mw.Close()

	t.Setenv("TMPDIR", t.TempDir())
	temporary := make(chan string, 1)
	e := newEcho()
	e.Use(sessionecho.Middleware(newSite(t, nil).Manager))
	e.POST("/", func(c *echo.Context) error {
		defer close(temporary)
		if err := c.Request().ParseMultipartForm(0); err != nil {
			return err
		}
		header, err := c.FormFile("file")
		if err != nil {
			return err
		}
		f, err := header.Open()
		if err != nil {
			return err
		}
		temporary <- f.(*os.File).Name()
		return f.Close()
	})
	server := httptest.NewServer(e)
	resp, err := server.Client().Post(server.URL, mw.FormDataContentType(), &form)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	server.Close() // waits for the request to end
	name := <-temporary
	if _, err := os.Stat(name); name == "" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file %q of an upload is left behind, after the request: %v", name, err)
	}
}
