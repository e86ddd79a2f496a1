package sessionecho_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
	"github.com/gostateful/session/memory"
	sessionecho "github.com/gostateful/session/tests/echo"
)

// TestMiddleware holds the adapter to the laws.
func TestMiddleware(t *testing.T) { adaptertest.Run(t, serve) }

func serve(t *testing.T, s adaptertest.Server) string {
	e := newEcho()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.SetRequest(c.Request().WithContext(s.Context(c.Request().Context())))
			for name, value := range s.Header {
				c.Response().Header().Set(name, value)
			}
			return next(c)
		}
	})
	for _, manager := range s.Managers {
		e.Use(sessionecho.Middleware(manager))
	}
	e.Any("/*", func(c *echo.Context) error {
		var failure error
		s.Handler(request(c, func(err error) { failure = err }))
		return failure
	})
	server := httptest.NewUnstartedServer(e)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handlers of the suite panic
	if server.TLS = s.TLS; s.TLS != nil {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.Logger = slog.New(slog.DiscardHandler)
	return e
}

func request(c *echo.Context, fail func(error)) adaptertest.Request {
	w := c.Response()
	flush := http.NewResponseController(w).Flush
	return adaptertest.Request{
		Context: c.Request().Context(),
		Target:  c.Request().RequestURI,
		Header:  w.Header().Set,
		Respond: func(status int, body string) { _ = c.String(status, body) },
		Ways: map[string]func(body string){
			"Blob":        func(body string) { _ = c.Blob(200, "text/plain", []byte(body)) },
			"HTML":        func(body string) { _ = c.HTML(200, body) },
			"Stream":      func(body string) { _ = c.Stream(200, "text/plain", strings.NewReader(body)) },
			"Write":       func(body string) { _, _ = io.WriteString(w, body) },
			"WriteHeader": func(body string) { w.WriteHeader(200); _, _ = io.WriteString(w, body) },
			"Flush":       func(body string) { w.(http.Flusher).Flush(); _, _ = io.WriteString(w, body) },
			"ResponseController.Flush": func(body string) {
				if flush() == nil {
					_, _ = io.WriteString(w, body)
				}
			},
			"Copy":   func(body string) { _, _ = io.Copy(w, strings.NewReader(body)) },
			"Hijack": func(body string) { takeOver(w, w.Header(), body) },
		},
		TakeOver: func(body string) { takeOver(w, nil, body) },
		Fail:     fail,
		Stream: func(parts func(send func(part string) error)) {
			parts(func(part string) error {
				if _, err := io.WriteString(w, part); err != nil {
					return err
				}
				return flush()
			})
		},
		Inform: func(status int) {
			w.WriteHeader(status)
			if response, err := echo.UnwrapResponse(w); err == nil {
				response.Committed = false // as echo takes it for the response
			}
		},
	}
}

// takeOver responds with a header over a connection that it takes over.
func takeOver(w http.ResponseWriter, header http.Header, body string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
	_ = header.Write(conn)
	fmt.Fprintf(conn, "\r\n%s", body)
}

// TestErrors: an error that a handler returns becomes a response after all
// middleware, and that one carries the cookie; and events name the route.
func TestErrors(t *testing.T) {
	var routes []string
	visits, err := session.New[int](memory.New(nil), &session.Options{
		Observer: func(_ context.Context, e session.Event) { routes = append(routes, e.Route) },
	})
	require.NoError(t, err)
	e := newEcho()
	e.Use(middleware.Recover(), sessionecho.Middleware(visits))
	e.GET("/teas/:id", func(c *echo.Context) error {
		s, err := visits.Get(c.Request().Context())
		require.NoError(t, err)
		require.NoError(t, s.Update(func(n *int) error { *n++; return nil }))
		if c.Param("id") == "panic" {
			panic("no tea")
		}
		return echo.NewHTTPError(http.StatusTeapot, "short and stout")
	})

	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/teas/1", nil))
	assert.Equal(t, http.StatusTeapot, w.Code)
	assert.Len(t, w.Result().Cookies(), 1)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Equal(t, []string{"GET /teas/:id"}, routes)

	w = httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/teas/panic", nil))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.Empty(t, w.Result().Cookies(), "a panic changes nothing, whoever recovers outside")
}

// TestReturnedError: echo's error handler finds the error of a session that a handler
// returned, and the client does not see it.
func TestReturnedError(t *testing.T) {
	visits, err := session.New[int](broken{memory.New(nil)}, nil)
	require.NoError(t, err)
	var seen error
	e := newEcho()
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		seen = err
		echo.DefaultHTTPErrorHandler(false)(c, err)
	}
	e.Use(sessionecho.Middleware(visits))
	e.GET("/", func(c *echo.Context) error {
		s, err := visits.Get(c.Request().Context())
		require.NoError(t, err)
		require.NoError(t, s.Update(func(n *int) error { *n++; return nil }))
		return s.Commit(c.Request().Context())
	})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.ErrorIs(t, seen, session.ErrUnavailable)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.JSONEq(t, `{"message": "cannot keep your session"}`, w.Body.String())
	assert.Equal(t, "1", w.Header().Get("Retry-After"))
}

// TestCommitFails: echo's error handler answers in place of the handler, what an
// outer middleware has said stays, and what one has buffered is not sent.
func TestCommitFails(t *testing.T) {
	for name, around := range map[string]echo.MiddlewareFunc{
		"CORS":     middleware.CORS("https://shop.example"),
		"Gzip":     middleware.Gzip(),
		"Buffers":  middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000}),
		"BodyDump": middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {}),
	} {
		t.Run(name, func(t *testing.T) {
			visits, err := session.New[int](broken{memory.New(nil)}, nil)
			require.NoError(t, err)
			e := newEcho()
			e.Use(middleware.CORS("https://shop.example"), around, sessionecho.Middleware(visits))
			e.GET("/", func(c *echo.Context) error {
				s, err := visits.Get(c.Request().Context())
				require.NoError(t, err)
				require.NoError(t, s.Update(func(n *int) error { *n++; return nil }))
				c.Response().Header().Set("ETag", `"a"`)
				return c.String(http.StatusOK, "kept")
			})
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Origin", "https://shop.example")
			r.Header.Set("Accept-Encoding", "gzip")
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.JSONEq(t, `{"message": "cannot keep your session"}`, w.Body.String())
			assert.Equal(t, "https://shop.example", w.Header().Get("Access-Control-Allow-Origin"))
			assert.Empty(t, w.Header().Get("ETag"))
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.Empty(t, w.Result().Cookies())
		})
	}
}

// TestPanicAfterFailure: a panic for what could not be sent becomes a response
// without anything of the handler's.
func TestPanicAfterFailure(t *testing.T) {
	visits, err := session.New[int](broken{memory.New(nil)}, nil)
	require.NoError(t, err)
	e := newEcho()
	e.Use(middleware.Recover(), sessionecho.Middleware(visits))
	e.GET("/", func(c *echo.Context) error {
		s, err := visits.Get(c.Request().Context())
		require.NoError(t, err)
		require.NoError(t, s.Update(func(n *int) error { *n++; return nil }))
		c.SetCookie(&http.Cookie{Name: "paid", Value: "yes"})
		panic(c.String(http.StatusOK, "kept"))
	})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.NotContains(t, w.Body.String(), "kept")
	assert.Empty(t, w.Result().Cookies())
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}

// TestOutsideSeesRequest: what the router and the form tell the request is known around
// echo, wherever the middleware is.
func TestOutsideSeesRequest(t *testing.T) {
	for name, install := range map[string]func(*echo.Echo, echo.MiddlewareFunc){
		"Pre": func(e *echo.Echo, m echo.MiddlewareFunc) { e.Pre(m) },
		"Use": func(e *echo.Echo, m echo.MiddlewareFunc) { e.Use(m) },
	} {
		visits, err := session.New[int](memory.New(nil), nil)
		require.NoError(t, err)
		e := newEcho()
		install(e, sessionecho.Middleware(visits))
		e.POST("/teas/:id", func(c *echo.Context) error {
			assert.Equal(t, "2", c.FormValue("count"))
			return nil
		})
		r := httptest.NewRequest("POST", "/teas/1", strings.NewReader("count=2"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		e.ServeHTTP(httptest.NewRecorder(), r)
		assert.Equal(t, "/teas/:id", r.Pattern, name)
		assert.Equal(t, "2", r.PostForm.Get("count"), name)
	}
}

// TestUpload: the server removes the files of a form that the handler has read.
func TestUpload(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	visits, err := session.New[int](memory.New(nil), nil)
	require.NoError(t, err)
	e := newEcho()
	e.Use(sessionecho.Middleware(visits))
	e.POST("/", func(c *echo.Context) error {
		assert.NoError(t, c.Request().ParseMultipartForm(0))
		files, err := os.ReadDir(os.TempDir())
		assert.NoError(t, err)
		assert.Len(t, files, 1)
		return nil
	})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("photo", "a.png")
	require.NoError(t, err)
	_, err = part.Write(make([]byte, 11<<20)) // a ReadForm of 0 bytes keeps 10 MB in memory
	require.NoError(t, err)
	require.NoError(t, form.Close())
	server := httptest.NewServer(e)
	resp, err := http.Post(server.URL, form.FormDataContentType(), &body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	server.Close() // waits for the end of the request
	files, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	assert.Empty(t, files)
}

// broken is a store that keeps nothing new.
type broken struct{ session.Store }

func (broken) Create(context.Context, session.Record) error { return errors.New("disk full") }
