package sessionecho_test

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	sessionecho "github.com/gostateful/session/adapters/echo"
	"github.com/gostateful/session/core/adaptertest"
)

// TestMiddleware holds the adapter to the laws: wherever echo takes a middleware, and
// with echo's own middlewares before it and after it.
func TestMiddleware(t *testing.T) {
	for name, install := range map[string]func(e *echo.Echo, h echo.HandlerFunc, around echo.MiddlewareFunc, sessions []echo.MiddlewareFunc){
		"Use": func(e *echo.Echo, h echo.HandlerFunc, around echo.MiddlewareFunc, sessions []echo.MiddlewareFunc) {
			e.Use(around)
			e.Use(sessions...)
			e.Any("/*", h)
		},
		"Pre": func(e *echo.Echo, h echo.HandlerFunc, around echo.MiddlewareFunc, sessions []echo.MiddlewareFunc) {
			e.Pre(around)
			e.Pre(sessions...)
			e.Any("/*", h)
		},
		"Group": func(e *echo.Echo, h echo.HandlerFunc, around echo.MiddlewareFunc, sessions []echo.MiddlewareFunc) {
			e.Group("", around).Group("", sessions...).Any("/*", h)
		},
		"Route": func(e *echo.Echo, h echo.HandlerFunc, around echo.MiddlewareFunc, sessions []echo.MiddlewareFunc) {
			e.Any("/*", h, append([]echo.MiddlewareFunc{around}, sessions...)...)
		},
		"Before": func(e *echo.Echo, h echo.HandlerFunc, around echo.MiddlewareFunc, sessions []echo.MiddlewareFunc) {
			e.Use(ofEcho...)
			e.Use(around)
			e.Use(sessions...)
			e.Any("/*", h)
		},
		"After": func(e *echo.Echo, h echo.HandlerFunc, around echo.MiddlewareFunc, sessions []echo.MiddlewareFunc) {
			e.Use(around)
			e.Use(sessions...)
			e.Use(ofEcho...)
			e.Any("/*", h)
		},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
				e := newEcho()
				e.Renderer = page
				e.JSONSerializer = plainly{}
				e.Filesystem = named{}
				around := func(next echo.HandlerFunc) echo.HandlerFunc {
					return func(c *echo.Context) error {
						c.SetRequest(c.Request().WithContext(s.Context(c.Request().Context())))
						for name, value := range s.Header {
							c.Response().Header().Set(name, value)
						}
						return next(c)
					}
				}
				var sessions []echo.MiddlewareFunc
				for _, manager := range s.Managers {
					sessions = append(sessions, sessionecho.Middleware(manager))
				}
				install(e, func(c *echo.Context) (err error) {
					s.Handler(request(c, &err))
					return err
				}, around, sessions)
				return start(t, e, s)
			})
		})
	}
}

// ofEcho are middlewares of echo that wrap the response or the body of the request. The suite looks
// at every header, so that of Gzip is taken away: TestOrderCookie looks at it.
var ofEcho = []echo.MiddlewareFunc{
	middleware.BodyDump(func(*echo.Context, []byte, []byte, error) {}),
	middleware.Gzip(),
	func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.Response().Header().Del("Vary")
			return next(c)
		}
	},
	middleware.BodyLimit(1 << 20),
}

func start(t *testing.T, h http.Handler, s adaptertest.Server) string {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handlers of the suite panic
	if server.TLS = s.TLS; s.TLS != nil {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL
}

// page renders nothing but what it is given.
var page = &echo.TemplateRenderer{Template: template.Must(template.New("page").Parse("{{.}}"))}

// plainly writes text as it is, and all else as JSON.
type plainly struct{ echo.DefaultJSONSerializer }

func (p plainly) Serialize(c *echo.Context, value any, indent string) error {
	switch text := value.(type) {
	case string:
		_, err := io.WriteString(c.Response(), text)
		return err
	case textError:
		_, err := io.WriteString(c.Response(), text.Error())
		return err
	}
	return p.DefaultJSONSerializer.Serialize(c, value, indent)
}

// A textError is an error that echo's error handler answers with status 200 and its
// text.
type textError string

func (e textError) Error() string                { return string(e) }
func (e textError) StatusCode() int              { return 200 }
func (e textError) MarshalJSON() ([]byte, error) { return json.Marshal(string(e)) }

// named is a file system in which every name is that of a file with the name in it.
type named struct{}

func (named) Open(name string) (fs.File, error) {
	return fstest.MapFS{name: {Data: []byte(name)}}.Open(name)
}

// request puts a request in the suite's terms. Err is what the handler returns. XML,
// JSONP and Redirect cannot send just any body: see TestResponses.
func request(c *echo.Context, err *error) adaptertest.Request {
	w := c.Response()
	controller := http.NewResponseController(w)
	write := func(body string) { _, *err = io.WriteString(w, body) }
	return adaptertest.Request{
		Context: c.Request().Context(),
		Target:  c.Request().URL.RequestURI(),
		Header:  w.Header().Set,
		Respond: func(status int, body string) { *err = c.String(status, body) },
		Ways: map[string]func(body string){
			"Blob":             func(body string) { *err = c.Blob(200, "text/plain", []byte(body)) },
			"HTML":             func(body string) { *err = c.HTML(200, body) },
			"HTMLBlob":         func(body string) { *err = c.HTMLBlob(200, []byte(body)) },
			"JSON":             func(body string) { *err = c.JSON(200, body) },
			"JSONPretty":       func(body string) { *err = c.JSONPretty(200, body, " ") },
			"JSONBlob":         func(body string) { *err = c.JSONBlob(200, []byte(body)) },
			"Render":           func(body string) { *err = c.Render(200, "page", body) },
			"Stream":           func(body string) { *err = c.Stream(200, "text/plain", strings.NewReader(body)) },
			"File":             func(body string) { *err = c.File(body) },
			"FileFS":           func(body string) { *err = c.FileFS(body, named{}) },
			"Attachment":       func(body string) { *err = c.Attachment(body, "a.txt") },
			"Inline":           func(body string) { *err = c.Inline(body, "a.txt") },
			"Error":            func(body string) { *err = textError(body) },
			"HTTPErrorHandler": func(body string) { c.Echo().HTTPErrorHandler(c, textError(body)) },
			"NoContent": func(body string) {
				if *err = c.NoContent(200); *err == nil {
					write(body)
				}
			},
			"WrapHandler": func(body string) {
				*err = echo.WrapHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, body)
				}))(c)
			},
			"WrapMiddleware": func(body string) {
				*err = echo.WrapMiddleware(func(next http.Handler) http.Handler { return next })(func(c *echo.Context) error {
					return c.String(200, body)
				})(c)
			},
			"ServeContent": func(body string) {
				http.ServeContent(w, c.Request(), "a.txt", time.Time{}, strings.NewReader(body))
			},
			"Write":       write,
			"WriteHeader": func(body string) { w.WriteHeader(200); write(body) },
			"Copy":        func(body string) { _, *err = io.Copy(w, strings.NewReader(body)) },
			"Flush":       func(body string) { w.(http.Flusher).Flush(); write(body) },
			"ResponseController.Flush": func(body string) {
				if *err = controller.Flush(); *err == nil {
					write(body)
				}
			},
			"Beneath": func(body string) { _, *err = io.WriteString(beneath(w), body) },
			"Beneath.Flush": func(body string) {
				if *err = http.NewResponseController(beneath(w)).Flush(); *err == nil {
					write(body)
				}
			},
			"Hijack":                    func(body string) { takeOver(w.(http.Hijacker), w.Header(), body) },
			"ResponseController.Hijack": func(body string) { takeOver(controlled{controller}, w.Header(), body) },
		},
		TakeOver: func(body string) { takeOver(w.(http.Hijacker), nil, body) },
		Fail:     func(failure error) { *err = failure },
		Stream: func(parts func(send func(part string) error)) {
			parts(func(part string) error {
				if _, err := io.WriteString(w, part); err != nil {
					return err
				}
				return controller.Flush()
			})
		},
		Inform: func(status int) { beneath(w).WriteHeader(status) },
	}
}

// beneath is the writer beneath echo's response, which takes each status for the last.
func beneath(w http.ResponseWriter) http.ResponseWriter {
	r, err := echo.UnwrapResponse(w)
	if err != nil {
		return w
	}
	return r.Unwrap()
}

// controlled has the Hijack of a ResponseController.
type controlled struct{ *http.ResponseController }

// takeOver responds with a header over a connection that it takes over.
func takeOver(h http.Hijacker, header http.Header, body string) {
	conn, _, err := h.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
	header.Write(conn)
	fmt.Fprintf(conn, "\r\n%s", body)
}
