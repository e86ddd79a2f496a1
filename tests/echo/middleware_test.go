package sessionecho_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
)

// placed are echo's own middlewares, each of which stands before that of the sessions
// in one test and after it in another.
var placed = map[string]echo.MiddlewareFunc{
	"BodyDump":       middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {}),
	"BodyLimit":      middleware.BodyLimit(1 << 20),
	"ContextTimeout": middleware.ContextTimeout(time.Minute),
	"CORS":           middleware.CORS("https://shop.example"),
	"Gzip":           middleware.Gzip(),
	"GzipBuffers":    middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000}),
	"Recover":        middleware.Recover(),
	"RequestID":      middleware.RequestID(),
	"RequestLogger":  middleware.RequestLogger(),
	"Secure":         middleware.Secure(),
	"Wrapped":        echo.WrapMiddleware(func(next http.Handler) http.Handler { return next }),
}

// eachOrder runs a test on an echo with each of these before the sessions and after.
func eachOrder(t *testing.T, test func(t *testing.T, name string, after bool, si site, e *echo.Echo)) {
	for name, mw := range placed {
		for place, after := range map[string]bool{"Before": false, "After": true} {
			t.Run(name+place, func(t *testing.T) {
				si, e := newSite(t, nil), newEcho()
				if after {
					e.Use(sessionecho.Middleware(si.Manager), mw)
				} else {
					e.Use(mw, sessionecho.Middleware(si.Manager))
				}
				test(t, name, after, si, e)
			})
		}
	}
}

// ask sends a request that each of placed has something to do with, and returns the
// body as it was before any compression.
func ask(t *testing.T, e *echo.Echo, cookie string) (*httptest.ResponseRecorder, string) {
	t.Helper()
	w := serve(e, "GET", "/", "Origin", "https://shop.example", "Accept-Encoding", "gzip", "Cookie", cookie)
	var body io.Reader = bytes.NewReader(w.Body.Bytes())
	if w.Header().Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return w, string(text)
}

// TestOrderCookie: the cookie arrives, and caches are told.
func TestOrderCookie(t *testing.T) {
	eachOrder(t, func(t *testing.T, name string, _ bool, si site, e *echo.Echo) {
		e.GET("/", func(c *echo.Context) error { return c.String(200, strconv.Itoa(si.counted(t, c).Data().N)) })
		w, body := ask(t, e, "")
		if w.Code != 200 || body != "1" || w.Header().Get("Cache-Control") != "no-store" || !slices.Contains(w.Header()["Vary"], "Cookie") {
			t.Fatalf("got status %d, body %q, header %v, want 200, 1, no-store and Vary", w.Code, body, w.Header())
		}
		if compressed := w.Header().Get("Content-Encoding") == "gzip"; compressed != (name == "Gzip") {
			t.Errorf("the response is compressed: %t", compressed)
		}
		if w, body := ask(t, e, cookie(t, w)); body != "2" || len(w.Result().Cookies()) != 0 {
			t.Errorf("the next request: got body %q, cookies %v, want 2 and none", body, w.Result().Cookies())
		}
	})
}

// TestOrderCommitFails: echo's error handler answers in place of the handler. What a
// middleware outside has said stays, and what one has buffered is not sent.
func TestOrderCommitFails(t *testing.T) {
	for response, respond := range map[string]echo.HandlerFunc{
		"Body":      hello,
		"NoContent": func(c *echo.Context) error { return c.NoContent(204) },
		"Implicit":  func(*echo.Context) error { return nil },
		"Error":     func(*echo.Context) error { return echo.ErrForbidden },
	} {
		t.Run(response, func(t *testing.T) {
			eachOrder(t, func(t *testing.T, name string, after bool, si site, e *echo.Echo) {
				e.GET("/", func(c *echo.Context) error {
					si.counted(t, c)
					si.store.Lose()
					c.Response().Header().Set("ETag", `"a"`)
					c.SetCookie(&http.Cookie{Name: "paid", Value: "yes"})
					return respond(c)
				})
				w, body := ask(t, e, "")
				w.Body = bytes.NewBufferString(body)
				wantsFailure(t, w)
				if got := w.Header().Get("ETag"); got != "" {
					t.Errorf("the error response has the handler's ETag %s", got)
				}
				if got := w.Header().Get("Access-Control-Allow-Origin"); (got != "") != (name == "CORS" && !after) {
					t.Errorf("the error response has Access-Control-Allow-Origin %q", got)
				}
			})
		})
	}
}

// TestOrderPanic: a panic that comes to the sessions commits nothing. A Recover after
// them makes an error of it, which they take for any other.
func TestOrderPanic(t *testing.T) {
	eachOrder(t, func(t *testing.T, name string, after bool, si site, e *echo.Echo) {
		e.Pre(middleware.Recover())
		e.GET("/", si.counting(t, func(c *echo.Context) error { panic("out of bread") }))
		w, body := ask(t, e, "")
		kept := 0
		if name == "Recover" && after {
			kept = 1
		}
		if w.Code != 500 || body != `{"message":"Internal Server Error"}`+"\n" || len(w.Result().Cookies()) != kept || si.store.Len() != kept {
			t.Errorf("got status %d, body %q, cookies %v and %d sessions, want 500 and %d", w.Code, body, w.Result().Cookies(), si.store.Len(), kept)
		}
	})
}

// TestPanicEnds: what a panic has left is over at once, and reported.
func TestPanicEnds(t *testing.T) {
	si, took := watch(t)
	e := newEcho()
	var left *session.Session[visit]
	e.Use(middleware.Recover(), sessionecho.Middleware(si.Manager))
	e.GET("/", func(c *echo.Context) error {
		left = si.counted(t, c)
		panic("out of bread")
	})
	serve(e, "GET", "/")
	if err := left.Update(count); err == nil {
		t.Error("after a panic the session can still be changed")
	}
	if got := took(); !slices.Equal(got, []string{"discarded: GET /"}) {
		t.Errorf("got the events %q, want discarded: GET /", got)
	}
}

// TestHijackedThenLost: a late change that cannot be saved cuts no connection that the
// handler has taken over, and no middleware outside sees a panic.
func TestHijackedThenLost(t *testing.T) {
	for name, hijacks := range map[string]bool{"Hijacked": true, "Written": false} {
		t.Run(name, func(t *testing.T) {
			si, e := newSite(t, nil), newEcho()
			panicked := make(chan any, 1)
			e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c *echo.Context) error {
					defer func() { panicked <- recover() }()
					return next(c)
				}
			}, sessionecho.Middleware(si.Manager))
			e.GET("/", func(c *echo.Context) error {
				s := si.counted(t, c)
				if hijacks {
					takeOver(controlled{http.NewResponseController(c.Response())}, nil, "hello")
				} else if err := hello(c); err != nil {
					return err
				}
				si.store.Lose()
				return s.Update(count)
			})
			server := httptest.NewServer(e)
			defer server.Close()
			if resp, err := server.Client().Get(server.URL); err == nil {
				resp.Body.Close()
			}
			want := any(http.ErrAbortHandler)
			if hijacks {
				want = nil
			}
			if got := <-panicked; got != want {
				t.Errorf("outside, got the panic %v, want %v", got, want)
			}
		})
	}
}

// TestPanicAfterFailure: a panic for what could not be sent becomes a response without
// anything of the handler's.
func TestPanicAfterFailure(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.Use(middleware.Recover(), sessionecho.Middleware(si.Manager))
	e.GET("/", func(c *echo.Context) error {
		si.counted(t, c)
		si.store.Lose()
		c.SetCookie(&http.Cookie{Name: "paid", Value: "yes"})
		panic(c.String(200, "paid"))
	})
	w := serve(e, "GET", "/")
	if got := w.Body.String(); w.Code != 500 || got != `{"message":"Internal Server Error"}`+"\n" || len(w.Result().Cookies()) != 0 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got status %d, body %q, header %v, want 500, no cookie and no-store", w.Code, got, w.Header())
	}
}

// TestTimeout: a context that has timed out does not lose the commit, and the 503 of
// the timeout carries the cookie.
func TestTimeout(t *testing.T) {
	for name, after := range map[string]bool{"Before": false, "After": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				si, e := newSite(t, nil), newEcho()
				mws := []echo.MiddlewareFunc{middleware.ContextTimeout(time.Second), sessionecho.Middleware(si.Manager)}
				if after {
					slices.Reverse(mws)
				}
				e.Use(mws...)
				e.GET("/", si.counting(t, func(c *echo.Context) error {
					<-c.Request().Context().Done()
					return c.Request().Context().Err()
				}))
				w := serve(e, "GET", "/")
				if cookie(t, w); w.Code != 503 || si.store.Len() != 1 {
					t.Errorf("got status %d and %d sessions, want 503, and the session kept", w.Code, si.store.Len())
				}
			})
		})
	}
}

// TestCommittedFlag: middlewares outside know whether anything was sent. Those inside
// know whether the handler has responded.
func TestCommittedFlag(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	var inside, outside []bool
	committed := func(to *[]bool) echo.MiddlewareFunc {
		return func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c *echo.Context) error {
				err := next(c)
				r, unwrapped := echo.UnwrapResponse(c.Response())
				if unwrapped != nil {
					return errors.Join(err, unwrapped)
				}
				*to = append(*to, r.Committed)
				return err
			}
		}
	}
	e.Use(committed(&outside), sessionecho.Middleware(si.Manager), committed(&inside))
	e.GET("/kept", si.counting(t, hello))
	e.GET("/nothing", si.counting(t, func(*echo.Context) error { return nil }))
	e.GET("/lost", si.counting(t, func(c *echo.Context) error {
		si.store.Lose()
		return hello(c)
	}))
	for _, path := range []string{"/kept", "/nothing", "/lost"} {
		serve(e, "GET", path)
	}
	if want := []bool{true, false, false}; !slices.Equal(outside, want) {
		t.Errorf("outside, the response is committed: %v, want %v", outside, want)
	}
	if want := []bool{true, false, true}; !slices.Equal(inside, want) {
		t.Errorf("inside, the response is committed: %v, want %v", inside, want)
	}
}
