package sessionecho_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
)

// TestResponses: ways to begin a response that the suite cannot ask for, as their
// status or their body is not just any.
func TestResponses(t *testing.T) {
	for name, test := range map[string]struct {
		respond echo.HandlerFunc
		status  int
	}{
		"JSONP":     {func(c *echo.Context) error { return c.JSONP(200, "show", "hello") }, 200},
		"JSONPBlob": {func(c *echo.Context) error { return c.JSONPBlob(200, "show", []byte(`"hello"`)) }, 200},
		"NoContent": {func(c *echo.Context) error { return c.NoContent(204) }, 204},
		"Redirect":  {func(c *echo.Context) error { return c.Redirect(303, "/welcome") }, 303},
		"XML":       {func(c *echo.Context) error { return c.XML(200, "hello") }, 200},
		"XMLBlob":   {func(c *echo.Context) error { return c.XMLBlob(200, []byte("<hello/>")) }, 200},
		"XMLPretty": {func(c *echo.Context) error { return c.XMLPretty(200, "hello", " ") }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			si, e := newSite(t, nil), newEcho()
			e.Use(sessionecho.Middleware(si.Manager))
			e.GET("/", si.counting(t, func(c *echo.Context) error {
				err := test.respond(c)
				if si.store.Len() != 1 {
					t.Error("the response has begun, and the session is not in the store")
				}
				return err
			}))
			e.GET("/lost", func(c *echo.Context) error {
				si.counted(t, c)
				si.store.Lose()
				return test.respond(c)
			})
			w := serve(e, "GET", "/")
			if cookie(t, w); w.Code != test.status {
				t.Errorf("got status %d, want %d", w.Code, test.status)
			}
			w = serve(e, "GET", "/lost")
			wantsFailure(t, w)
			if got := w.Header().Get("Location"); got != "" {
				t.Errorf("the error response has the handler's Location: %s", got)
			}
		})
	}
}

// TestHooks: what a handler registers with Before runs ahead of the commit, and so may
// change the session and set headers. If the commit fails, nothing of it is sent.
func TestHooks(t *testing.T) {
	for name, down := range map[string]bool{"Kept": false, "Lost": true} {
		t.Run(name, func(t *testing.T) {
			si, e := newSite(t, nil), newEcho()
			before, after := 0, 0
			e.Use(sessionecho.Middleware(si.Manager))
			e.GET("/", func(c *echo.Context) error {
				r, err := echo.UnwrapResponse(c.Response())
				if err != nil {
					return err
				}
				r.Before(func() {
					before++
					si.counted(t, c)
					c.SetCookie(&http.Cookie{Name: "paid", Value: "yes"})
					if down {
						si.store.Lose()
					}
				})
				r.After(func() { after++ })
				return hello(c)
			})
			w := serve(e, "GET", "/")
			if before != 1 || after != 1 {
				t.Errorf("the hooks ran %d and %d times, want once", before, after)
			}
			if down {
				wantsFailure(t, w)
				return
			}
			if cookie(t, w); len(w.Result().Cookies()) != 2 || w.Body.String() != "hello" {
				t.Errorf("got the cookies %v, body %q, want that of the session and that of the hook, and hello", w.Result().Cookies(), w.Body)
			}
		})
	}
}

// TestHooksOutside: a hook of a middleware outside runs once, when the header is sent,
// also that of an error response.
func TestHooksOutside(t *testing.T) {
	for path, status := range map[string]int{"/kept": 200, "/lost": 503} {
		si, e := newSite(t, nil), newEcho()
		ran := 0
		e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c *echo.Context) error {
				r, err := echo.UnwrapResponse(c.Response())
				if err != nil {
					return err
				}
				r.Before(func() {
					ran++
					if got := r.Header().Get("Cache-Control"); got != "no-store" {
						t.Errorf("%s: when the header is sent it has Cache-Control %q, want no-store", path, got)
					}
				})
				return next(c)
			}
		}, sessionecho.Middleware(si.Manager))
		e.GET("/kept", si.counting(t, hello))
		e.GET("/lost", si.counting(t, func(c *echo.Context) error {
			si.store.Lose()
			return hello(c)
		}))
		if w := serve(e, "GET", path); w.Code != status || ran != 1 {
			t.Errorf("%s: got status %d, and the hook ran %d times, want %d and once", path, w.Code, ran, status)
		}
	}
}

// TestHead: a HEAD that echo serves by the route for GET gets its cookie, and a failure
// its status.
func TestHead(t *testing.T) {
	for name, install := range map[string]func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc){
		"Use": func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(sessions)
			e.GET("/", h)
		},
		"Route": func(e *echo.Echo, sessions echo.MiddlewareFunc, h echo.HandlerFunc) { e.GET("/", h, sessions) },
	} {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, nil)
			e := echo.NewWithConfig(echo.Config{Logger: newEcho().Logger, Router: echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true})})
			install(e, sessionecho.Middleware(si.Manager), func(c *echo.Context) error {
				si.counted(t, c)
				if c.QueryParam("lost") != "" {
					si.store.Lose()
				}
				return hello(c)
			})
			w := serve(e, "HEAD", "/")
			if cookie(t, w); w.Code != 200 || w.Header().Get("Content-Length") != "5" {
				t.Errorf("got status %d, header %v, want 200, and the length of the page", w.Code, w.Header())
			}
			if w := serve(e, "HEAD", "/?lost=1"); w.Code != 503 || len(w.Result().Cookies()) != 0 {
				t.Errorf("got status %d, cookies %v, want 503 and none", w.Code, w.Result().Cookies())
			}
		})
	}
}

// TestController: what an http.ResponseController can do besides, it still can, and that
// begins no response.
func TestController(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.Use(sessionecho.Middleware(si.Manager))
	e.GET("/", si.counting(t, func(c *echo.Context) error {
		controller := http.NewResponseController(c.Response())
		err := errors.Join(controller.SetReadDeadline(time.Time{}), controller.SetWriteDeadline(time.Time{}), controller.EnableFullDuplex())
		if err != nil || si.store.Len() != 0 {
			t.Errorf("got the error %v and %d sessions, want none", err, si.store.Len())
		}
		return hello(c)
	}))
	server := httptest.NewServer(e)
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		t.Errorf("got status %d, cookies %v, want 200 and one", resp.StatusCode, resp.Cookies())
	}
}

// TestSSE: the stream of events has its cookie ahead, a login in it is refused, and
// a change in it is saved.
func TestSSE(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.Use(sessionecho.Middleware(si.Manager))
	goOn := make(chan struct{})
	e.GET("/events", func(c *echo.Context) error {
		w := c.Response()
		w.Header().Set("Content-Type", "text/event-stream")
		s := si.counted(t, c)
		for range 2 {
			if _, err := io.WriteString(w, "data: hello\n\n"); err != nil {
				return err
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
			<-goOn
			if err := s.Update(count); err != nil {
				t.Error(err)
			}
		}
		if err := s.Login("ann", nil); !errors.Is(err, session.ErrHeadersSent) {
			t.Errorf("a login in the stream: got the error %v, want ErrHeadersSent", err)
		}
		return nil
	})
	server := httptest.NewServer(e)
	defer server.Close()
	resp, err := server.Client().Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if len(resp.Cookies()) != 1 || si.store.Len() != 1 {
		t.Errorf("the stream has begun with the cookies %v and %d sessions, want one", resp.Cookies(), si.store.Len())
	}
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	if line != "data: hello\n" || err != nil {
		t.Errorf("got the line %q, %v, want the first event", line, err)
	}
	close(goOn)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	e.GET("/", func(c *echo.Context) error {
		s, err := si.Get(c.Request().Context())
		if err == nil && s.Data().N != 3 {
			err = echo.NewHTTPError(500, "a change in the stream is lost")
		}
		return err
	})
	known := resp.Cookies()[0]
	if w := serve(e, "GET", "/", "Cookie", known.Name+"="+known.Value); w.Code != 200 {
		t.Errorf("after the stream: got status %d, %s", w.Code, w.Body)
	}
}
