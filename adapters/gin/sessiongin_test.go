package sessiongin_test

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestMiddleware checks the laws, with the middleware in the places where
// applications have it.
func TestMiddleware(t *testing.T) {
	for name, build := range map[string]func(r *gin.Engine, around gin.HandlerFunc, sessions []gin.HandlerFunc, h func(*gin.Context, waysOfGin)){
		// Without Recovery, the context is that of the request.
		"Use": func(r *gin.Engine, around gin.HandlerFunc, sessions []gin.HandlerFunc, h func(*gin.Context, waysOfGin)) {
			r.Use(around)
			r.Use(sessions...)
			r.Any("/*path", func(c *gin.Context) { h(c, waysOfGin{c.Request.Context(), sendError}) })
		},
		// As gin.Default has it, with a middleware that answers what is in c.Errors.
		"Default": func(r *gin.Engine, around gin.HandlerFunc, sessions []gin.HandlerFunc, h func(*gin.Context, waysOfGin)) {
			r.ContextWithFallback = true
			r.Use(gin.LoggerWithWriter(io.Discard), gin.RecoveryWithWriter(io.Discard), showErrors, around)
			r.Use(sessions...)
			r.Any("/*path", func(c *gin.Context) { h(c, waysOfGin{c, addError}) })
		},
		// In a group, with a context of gin that does not end with the request.
		"Group": func(r *gin.Engine, around gin.HandlerFunc, sessions []gin.HandlerFunc, h func(*gin.Context, waysOfGin)) {
			r.Use(gin.RecoveryWithWriter(io.Discard), showErrors)
			g := r.Group("/", around)
			g.Use(sessions...)
			g.Use(gin.LoggerWithWriter(io.Discard))
			g.Any("/*path", func(c *gin.Context) { h(c, waysOfGin{endless{c}, abortWithError}) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
				r := router(t, s, build)
				server := httptest.NewUnstartedServer(r)
				server.Config.ErrorLog = silence
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

// TestMiddlewareHTTP2 checks them on HTTP/2, behind a proxy that speaks
// HTTP/1.1 with the suite.
func TestMiddlewareHTTP2(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true)
		server := httptest.NewUnstartedServer(router(t, s, func(r *gin.Engine, around gin.HandlerFunc, sessions []gin.HandlerFunc, h func(*gin.Context, waysOfGin)) {
			r.Use(gin.RecoveryWithWriter(io.Discard), around)
			r.Use(sessions...)
			r.Any("/*path", func(c *gin.Context) {
				if c.Request.ProtoMajor != 2 {
					t.Errorf("this is to be a test of HTTP/2, and the request has %s", c.Request.Proto)
				}
				h(c, waysOfGin{c.Request.Context(), sendError})
			})
		}))
		server.Config.ErrorLog = silence
		server.Config.Protocols = &protocols
		server.Start()
		t.Cleanup(server.Close)

		behind, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{Protocols: &protocols, DisableCompression: true}
		t.Cleanup(transport.CloseIdleConnections)
		proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(behind)
				r.Out.Host = r.In.Host
				for _, name := range []string{"Forwarded", "X-Forwarded-Proto"} {
					r.Out.Header[name] = r.In.Header[name]
				}
			},
			Transport:     transport,
			FlushInterval: -1,
			ErrorLog:      silence,
		})
		proxy.Config.ErrorLog = silence
		proxy.Start()
		t.Cleanup(proxy.Close)
		return proxy.URL
	})
}

// router makes the suite answer all requests.
func router(t *testing.T, s adaptertest.Server, build func(r *gin.Engine, around gin.HandlerFunc, sessions []gin.HandlerFunc, h func(*gin.Context, waysOfGin))) *gin.Engine {
	r := gin.New()
	r.SetHTMLTemplate(template.Must(template.New("page").Parse("{{.}}")))
	around := func(c *gin.Context) {
		for name, value := range s.Header {
			c.Header(name, value)
		}
		c.Request = c.Request.WithContext(s.Context(c.Request.Context()))
	}
	var sessions []gin.HandlerFunc
	for _, manager := range s.Managers {
		sessions = append(sessions, sessiongin.Middleware(manager, nil))
	}
	build(r, around, sessions, func(c *gin.Context, of waysOfGin) {
		if body := c.GetHeader("Rerouted"); body != "" {
			c.String(200, body)
			return
		}
		s.Handler(of.request(t, r, c))
	})
	return r
}

// endless has the values and the deadline of the request, but does not end with
// it. A gin.Context has them only with ContextWithFallback.
type endless struct{ *gin.Context }

func (e endless) Deadline() (time.Time, bool) { return e.Request.Context().Deadline() }

func (e endless) Value(key any) any {
	if value := e.Context.Value(key); value != nil {
		return value
	}
	if _, ok := key.(string); ok {
		return nil // not the session: c has to find that itself
	}
	return e.Request.Context().Value(key)
}

// The ways in which handlers of gin report an error.
func sendError(c *gin.Context, err error) { session.Error(c.Writer, err) }
func addError(c *gin.Context, err error)  { _ = c.Error(err) }
func abortWithError(c *gin.Context, err error) {
	added, _ := session.ErrorHeader(err) // now, as AbortWithError sends the header
	added.AddTo(c.Writer.Header())
	_ = c.AbortWithError(session.HTTPStatus(err), err)
}

// showErrors is the error middleware in gin's documentation, with another
// status.
func showErrors(c *gin.Context) {
	c.Next()
	if len(c.Errors) > 0 {
		err := c.Errors.Last().Err
		c.JSON(session.HTTPStatus(err), gin.H{"message": err.Error()})
	}
}

// waysOfGin converts a request to the suite's Request.
type waysOfGin struct {
	ctx  context.Context
	fail func(c *gin.Context, err error)
}

func (of waysOfGin) request(t *testing.T, r *gin.Engine, c *gin.Context) adaptertest.Request {
	write := func(body string) { io.WriteString(c.Writer, body) }
	ways := map[string]func(body string){
		"AbortWithStatus": func(body string) { c.AbortWithStatus(200); write(body) },
		"Copy":            func(body string) { io.Copy(c.Writer, strings.NewReader(body)) },
		"Data":            func(body string) { c.Data(200, "text/plain", []byte(body)) },
		"DataFromReader": func(body string) {
			c.DataFromReader(200, int64(len(body)), "text/plain", strings.NewReader(body), nil)
		},
		"File":           func(body string) { c.File(file(t, body)) },
		"FileAttachment": func(body string) { c.FileAttachment(file(t, body), "a.txt") },
		"FileFromFS": func(body string) {
			c.FileFromFS("a.txt", http.FS(fstest.MapFS{"a.txt": {Data: []byte(body)}}))
		},
		"Flush":  func(body string) { c.Writer.Flush(); write(body) },
		"Fprint": func(body string) { fmt.Fprint(c.Writer, body) },
		"HTML":   func(body string) { c.HTML(200, "page", body) },
		"HandleContext": func(body string) {
			c.Request.Header.Set("Rerouted", body)
			r.HandleContext(c)
		},
		"Negotiate": func(body string) {
			c.Negotiate(200, gin.Negotiate{Offered: []string{gin.MIMEHTML}, HTMLName: "page", HTMLData: body})
		},
		"Render": func(body string) { c.Render(200, writes(body)) },
		"ResponseController.Flush": func(body string) {
			if http.NewResponseController(c.Writer).Flush() == nil {
				write(body)
			}
		},
		"ServeContent": func(body string) {
			http.ServeContent(c.Writer, c.Request, "a.txt", time.Time{}, strings.NewReader(body))
		},
		"Status": func(body string) { c.Status(200); write(body) },
		"Stream": func(body string) { c.Stream(func(w io.Writer) bool { io.WriteString(w, body); return false }) },
		"WrapF": func(body string) {
			gin.WrapF(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })(c)
		},
		"Write":          func(body string) { c.Writer.Write([]byte(body)) },
		"WriteHeader":    func(body string) { c.Writer.WriteHeader(200); write(body) },
		"WriteHeaderNow": func(body string) { c.Writer.WriteHeaderNow(); write(body) },
		"WriteString":    func(body string) { c.Writer.WriteString(body) },
	}
	answers := adaptertest.Request{
		Context: of.ctx,
		Target:  c.Request.RequestURI,
		Header:  c.Header,
		Respond: func(status int, body string) { c.String(status, "%s", body) },
		Ways:    ways,
		Fail:    func(err error) { of.fail(c, err) },
		Stream: func(parts func(send func(part string) error)) {
			parts(func(part string) error {
				if _, err := io.WriteString(c.Writer, part); err != nil {
					return err
				}
				return http.NewResponseController(c.Writer).Flush()
			})
		},
		Inform: func(status int) { c.Status(status); c.Writer.WriteHeaderNow() },
	}
	if c.Request.ProtoMajor == 1 {
		ways["Hijack"] = func(body string) { takeOver(c, c.Writer.Header(), body) }
		answers.TakeOver = func(body string) { takeOver(c, nil, body) }
	}
	return answers
}

// writes is a render.Render.
type writes string

func (s writes) Render(w http.ResponseWriter) error {
	_, err := io.WriteString(w, string(s))
	return err
}

func (writes) WriteContentType(http.ResponseWriter) {}

func file(t *testing.T, body string) string {
	name := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		t.Error(err)
	}
	return name
}

// takeOver responds with a header over a connection that it takes over.
func takeOver(c *gin.Context, header http.Header, body string) {
	conn, _, err := c.Writer.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
	header.Write(conn)
	fmt.Fprintf(conn, "\r\n%s", body)
}
