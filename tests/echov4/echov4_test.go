// Package echov4 holds what the README of adapters/echo says of echo v4: that its users
// wrap the middleware for net/http.
package echov4

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/core/adaptertest"
)

// sessions is what the README tells users of v4 to install.
func sessions(m session.AnyManager) echo.MiddlewareFunc {
	return echo.WrapMiddleware(nethttp.Middleware(m, nil))
}

// TestMiddleware holds it to the laws, by itself, with echo's middlewares before it and
// after it, and in a group.
func TestMiddleware(t *testing.T) {
	ofEcho := []echo.MiddlewareFunc{
		middleware.BodyDump(func(echo.Context, []byte, []byte) {}),
		middleware.BodyLimit("1M"),
	}
	for name, install := range map[string]func(e *echo.Echo, around, sessions []echo.MiddlewareFunc, h echo.HandlerFunc){
		"Use": func(e *echo.Echo, around, sessions []echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(around...)
			e.Use(sessions...)
			e.Any("/*", h)
		},
		"Before": func(e *echo.Echo, around, sessions []echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(ofEcho...)
			e.Use(around...)
			e.Use(sessions...)
			e.Any("/*", h)
		},
		"After": func(e *echo.Echo, around, sessions []echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(around...)
			e.Use(sessions...)
			e.Use(ofEcho...)
			e.Any("/*", h)
		},
		"Group": func(e *echo.Echo, around, sessions []echo.MiddlewareFunc, h echo.HandlerFunc) {
			e.Use(around...)
			e.Group("", sessions...).Any("/*", h)
		},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
				e := newEcho()
				around := func(next echo.HandlerFunc) echo.HandlerFunc {
					return func(c echo.Context) error {
						c.SetRequest(c.Request().WithContext(s.Context(c.Request().Context())))
						for name, value := range s.Header {
							c.Response().Header().Set(name, value)
						}
						return next(c)
					}
				}
				var all []echo.MiddlewareFunc
				for _, m := range s.Managers {
					all = append(all, sessions(m))
				}
				install(e, []echo.MiddlewareFunc{around}, all, func(c echo.Context) error {
					s.Handler(request(c))
					return nil
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
			})
		})
	}
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	return e
}

func request(c echo.Context) adaptertest.Request {
	w := c.Response()
	controller := http.NewResponseController(w)
	return adaptertest.Request{
		Context: c.Request().Context(),
		Target:  c.Request().RequestURI,
		Header:  w.Header().Set,
		Respond: func(status int, body string) { _ = c.String(status, body) },
		Ways: map[string]func(body string){
			"Blob":        func(body string) { _ = c.Blob(200, "text/plain", []byte(body)) },
			"HTML":        func(body string) { _ = c.HTML(200, body) },
			"JSONBlob":    func(body string) { _ = c.JSONBlob(200, []byte(body)) },
			"Stream":      func(body string) { _ = c.Stream(200, "text/plain", strings.NewReader(body)) },
			"Write":       func(body string) { _, _ = io.WriteString(w, body) },
			"WriteHeader": func(body string) { w.WriteHeader(200); _, _ = io.WriteString(w, body) },
			"Copy":        func(body string) { _, _ = io.Copy(w, strings.NewReader(body)) },
			"Flush":       func(body string) { w.Flush(); _, _ = io.WriteString(w, body) },
			"ResponseController.Flush": func(body string) {
				if controller.Flush() == nil {
					_, _ = io.WriteString(w, body)
				}
			},
			"NoContent": func(body string) { _ = c.NoContent(200); _, _ = io.WriteString(w, body) },
			"WrapHandler": func(body string) {
				_ = echo.WrapHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))(c)
			},
			"Hijack": func(body string) { takeOver(w, w.Header(), body) },
		},
		TakeOver: func(body string) { takeOver(w, nil, body) },
		Fail:     func(err error) { session.Error(w, err) },
		Stream: func(parts func(send func(part string) error)) {
			parts(func(part string) error {
				if _, err := io.WriteString(w, part); err != nil {
					return err
				}
				return controller.Flush()
			})
		},
		Inform: func(status int) {
			w.WriteHeader(status)
			w.Committed = false // as echo takes it for the response
		},
	}
}

// takeOver responds with a header over a connection that it takes over.
func takeOver(h http.Hijacker, header http.Header, body string) {
	conn, _, err := h.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
	_ = header.Write(conn)
	fmt.Fprintf(conn, "\r\n%s", body)
}

type visit struct{ N int }

// A site is a manager and its store.
type site struct {
	*session.Manager[visit]
	store *adaptertest.Store
}

func newSite(t *testing.T) site {
	store := adaptertest.NewStore()
	m, err := session.New[visit](store, nil)
	require.NoError(t, err)
	return site{m, store}
}

// counted changes the session of a request.
func (s site) counted(t *testing.T, c echo.Context) {
	held, err := s.Get(c.Request().Context())
	if assert.NoError(t, err) {
		assert.NoError(t, held.Update(func(v *visit) error { v.N++; return nil }))
	}
}

func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestErrors: the response that echo makes of an error carries the cookie.
func TestErrors(t *testing.T) {
	si, e := newSite(t), newEcho()
	e.Use(middleware.Recover(), sessions(si))
	e.GET("/", func(c echo.Context) error {
		si.counted(t, c)
		return echo.NewHTTPError(http.StatusTeapot, "short and stout")
	})
	w := get(e, "/")
	assert.Equal(t, http.StatusTeapot, w.Code)
	assert.Len(t, w.Result().Cookies(), 1)
	assert.Equal(t, 1, si.store.Len())
}

// TestReturnedError: an error of a session that a handler returns is a 500 to echo, and
// Debug shows its text. What session.Error answers has status and header.
func TestReturnedError(t *testing.T) {
	si, e := newSite(t), newEcho()
	e.Use(sessions(si))
	e.GET("/returns", func(c echo.Context) error {
		_, err := si.Get(c.Request().Context())
		return err
	})
	e.GET("/answers", func(c echo.Context) error {
		if _, err := si.Get(c.Request().Context()); err != nil {
			session.Error(c.Response(), err)
		}
		return nil
	})
	known := login(t, si, e)
	si.store.Lose()

	w := get(e, "/returns", "Cookie", known)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.NotContains(t, w.Body.String(), "192.0.2.7")
	e.Debug = true
	assert.Contains(t, get(e, "/returns", "Cookie", known).Body.String(), "192.0.2.7")
	w = get(e, "/answers", "Cookie", known)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, "1", w.Header().Get("Retry-After"))
	assert.NotContains(t, w.Body.String(), "192.0.2.7")
}

// login returns the cookie of a user who has logged in.
func login(t *testing.T, si site, e *echo.Echo) string {
	e.GET("/login", func(c echo.Context) error {
		s, err := si.Get(c.Request().Context())
		if err == nil {
			err = s.Login("ann", nil)
		}
		return err
	})
	cookies := get(e, "/login").Result().Cookies()
	require.Len(t, cookies, 1)
	return cookies[0].Name + "=" + cookies[0].Value
}

// TestCommitFails: OnError of the middleware answers, and echo's error handler is not
// heard, whatever the handler did.
func TestCommitFails(t *testing.T) {
	for name, respond := range map[string]echo.HandlerFunc{
		"Body":      func(c echo.Context) error { return c.String(http.StatusOK, "kept") },
		"NoContent": func(c echo.Context) error { return c.NoContent(http.StatusNoContent) },
		"Implicit":  func(echo.Context) error { return nil },
		"Error":     func(echo.Context) error { return echo.ErrForbidden },
		"OwnError":  func(echo.Context) error { return errors.New("out of bread") },
	} {
		for around, mw := range map[string]echo.MiddlewareFunc{
			"CORS":     middleware.CORSWithConfig(middleware.CORSConfig{AllowOrigins: []string{"https://shop.example"}}),
			"Gzip":     middleware.Gzip(),
			"Buffers":  middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1000}),
			"BodyDump": middleware.BodyDump(func(echo.Context, []byte, []byte) {}),
		} {
			for place, after := range map[string]bool{"Before": false, "After": true} {
				t.Run(name+"/"+around+place, func(t *testing.T) {
					si, e := newSite(t), newEcho()
					e.Use(middleware.Recover())
					if after {
						e.Use(sessions(si), mw)
					} else {
						e.Use(mw, sessions(si))
					}
					e.GET("/", func(c echo.Context) error {
						si.counted(t, c)
						si.store.Lose()
						c.Response().Header().Set("ETag", `"a"`)
						return respond(c)
					})
					w := get(e, "/", "Origin", "https://shop.example", "Accept-Encoding", "gzip")
					assert.Equal(t, http.StatusServiceUnavailable, w.Code)
					assert.Equal(t, "Service Unavailable\n", plainBody(t, w))
					assert.Empty(t, w.Header().Get("ETag"))
					assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
					assert.Empty(t, w.Result().Cookies())
				})
			}
		}
	}
}

// plainBody is the body as it was before any compression.
func plainBody(t *testing.T, w *httptest.ResponseRecorder) string {
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.String()
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	require.NoError(t, err)
	body, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	return string(body)
}

// TestPanic: a panic commits nothing if Recover is outside. Inside, it makes an error of
// the panic, which is committed like others.
func TestPanic(t *testing.T) {
	for name, after := range map[string]bool{"Before": false, "After": true} {
		t.Run(name, func(t *testing.T) {
			si, e := newSite(t), newEcho()
			if after {
				e.Use(sessions(si), middleware.Recover())
			} else {
				e.Use(middleware.Recover(), sessions(si))
			}
			e.GET("/", func(c echo.Context) error {
				si.counted(t, c)
				panic("out of bread")
			})
			w := get(e, "/")
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			kept := 0
			if after {
				kept = 1
			}
			assert.Len(t, w.Result().Cookies(), kept)
			assert.Equal(t, kept, si.store.Len())
		})
	}
}

// TestHooks: what a handler registers with Before runs ahead of the commit, and is not
// in an error response. After the sessions, echo has another response for it.
func TestHooks(t *testing.T) {
	for name, down := range map[string]bool{"Kept": false, "Lost": true} {
		t.Run(name, func(t *testing.T) {
			si, e := newSite(t), newEcho()
			e.Use(sessions(si))
			e.GET("/", func(c echo.Context) error {
				c.Response().Before(func() {
					si.counted(t, c)
					c.SetCookie(&http.Cookie{Name: "paid", Value: "yes"})
					if down {
						si.store.Lose()
					}
				})
				return c.NoContent(http.StatusOK)
			})
			w := get(e, "/")
			if down {
				assert.Equal(t, http.StatusServiceUnavailable, w.Code)
				assert.Empty(t, w.Result().Cookies())
			} else {
				assert.Len(t, w.Result().Cookies(), 2)
			}
		})
	}
}

// TestOutside: what a middleware outside knows of the response. The one that it had
// before knows what was sent. The one that c.Response has afterwards is the handler's.
func TestOutside(t *testing.T) {
	for path, want := range map[string][4]any{
		"/kept": {true, 200, true, 200},
		"/lost": {true, 503, true, 200},
	} {
		t.Run(path, func(t *testing.T) {
			si, e := newSite(t), newEcho()
			var logged int
			e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
				LogStatus: true,
				LogValuesFunc: func(_ echo.Context, v middleware.RequestLoggerValues) error {
					logged = v.Status
					return nil
				},
			}), func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					had := c.Response()
					err := next(c)
					has := c.Response()
					assert.Equal(t, want, [4]any{had.Committed, had.Status, has.Committed, has.Status})
					return err
				}
			}, sessions(si))
			e.GET("/*", func(c echo.Context) error {
				si.counted(t, c)
				if c.Request().URL.Path == "/lost" {
					si.store.Lose()
				}
				return c.NoContent(http.StatusOK)
			})
			assert.Equal(t, want[1], get(e, path).Code)
			assert.Equal(t, want[1], logged, "the status in the log")
		})
	}
}

// TestAccount: the guard and the devices of package account.
func TestAccount(t *testing.T) {
	si, e := newSite(t), newEcho()
	guard := account.Guard{LoginURL: "/login"}
	e.Use(sessions(si))
	e.GET("/orders", func(c echo.Context) error { return c.String(http.StatusOK, "orders") }, echo.WrapMiddleware(account.RequireLogin(si.Manager, guard)))
	e.Any("/devices", echo.WrapHandler(http.StripPrefix("/devices", account.Devices(si.Manager, guard, nil))))
	assert.Equal(t, http.StatusUnauthorized, get(e, "/orders").Code)
	ann := login(t, si, e)
	assert.Equal(t, "orders", get(e, "/orders", "Cookie", ann).Body.String())
	assert.Equal(t, http.StatusOK, get(e, "/devices", "Cookie", ann).Code)
}

// TestNaive: a middleware that gives the handler the request of nethttp.Middleware, and
// not its writer, commits too late. The cookie of a login never arrives.
func TestNaive(t *testing.T) {
	si, e := newSite(t), newEcho()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			nethttp.Middleware(si, nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				c.SetRequest(r)
				err = next(c)
			})).ServeHTTP(c.Response(), c.Request())
			return err
		}
	})
	e.GET("/", func(c echo.Context) error {
		si.counted(t, c)
		return c.String(http.StatusOK, "kept")
	})
	w := get(e, "/")
	assert.Empty(t, w.Result().Cookies(), "if there is one, the README is to say that this works")
	assert.Equal(t, 1, si.store.Len())
}
