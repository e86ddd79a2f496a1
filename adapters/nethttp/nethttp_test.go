package nethttp_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestMiddleware checks the laws on HTTP/1.1.
func TestMiddleware(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
		server := httptest.NewUnstartedServer(handler(s, request1))
		server.Config.ErrorLog = silence
		if server.TLS = s.TLS; s.TLS != nil {
			server.StartTLS()
		} else {
			server.Start()
		}
		t.Cleanup(server.Close)
		return server.URL
	})
}

// TestMiddlewareHTTP2 checks them on HTTP/2, behind a proxy that speaks
// HTTP/1.1 with the suite.
func TestMiddlewareHTTP2(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T, s adaptertest.Server) string {
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true)
		server := httptest.NewUnstartedServer(handler(s, request2))
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

// silence swallows what a server logs: the suite's handlers panic.
var silence = log.New(io.Discard, "", 0)

func handler(s adaptertest.Server, request func(http.ResponseWriter, *http.Request) adaptertest.Request) http.Handler {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Handler(request(w, r))
	})
	for _, manager := range slices.Backward(s.Managers) {
		h = nethttp.Middleware(manager, nil)(h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range s.Header {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r.WithContext(s.Context(r.Context())))
	})
}

// request1 is a request on HTTP/1.1: all that HTTP/2 has, and sendfile and Hijack.
func request1(w http.ResponseWriter, r *http.Request) adaptertest.Request {
	req := request(w, r)
	req.Ways["ReadFrom"] = func(body string) { w.(io.ReaderFrom).ReadFrom(strings.NewReader(body)) }
	req.Ways["Hijack"] = func(body string) { takeOver(w.(http.Hijacker), w.Header(), body) }
	req.Ways["ResponseController.Hijack"] = func(body string) { takeOver(controlled{http.NewResponseController(w)}, w.Header(), body) }
	req.Ways["Wrapper.Hijack"] = func(body string) { takeOver(wrapper{w}, w.Header(), body) }
	req.TakeOver = func(body string) { takeOver(w.(http.Hijacker), nil, body) }
	return req
}

// controlled has the Hijack of a ResponseController.
type controlled struct{ *http.ResponseController }

// A wrapper asserts what it needs of the writer inside, as that of gin does.
type wrapper struct{ http.ResponseWriter }

func (w wrapper) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.ResponseWriter.(http.Hijacker).Hijack()
}

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

func request2(w http.ResponseWriter, r *http.Request) adaptertest.Request {
	if r.ProtoMajor != 2 {
		http.Error(w, "this is to be a test of HTTP/2, and the request has "+r.Proto, http.StatusHTTPVersionNotSupported)
	}
	return request(w, r)
}

func request(w http.ResponseWriter, r *http.Request) adaptertest.Request {
	return adaptertest.Request{
		Context: r.Context(),
		Target:  r.URL.RequestURI(),
		Header:  w.Header().Set,
		Respond: func(status int, body string) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		},
		Ways: map[string]func(body string){
			"Write":       func(body string) { w.Write([]byte(body)) },
			"WriteString": func(body string) { w.(io.StringWriter).WriteString(body) },
			"WriteHeader": func(body string) { w.WriteHeader(200); w.Write([]byte(body)) },
			"Flush":       func(body string) { w.(http.Flusher).Flush(); w.Write([]byte(body)) },
			"ResponseController.Flush": func(body string) {
				if http.NewResponseController(w).Flush() == nil {
					w.Write([]byte(body))
				}
			},
			"Copy": func(body string) {
				io.Copy(w, struct{ io.Reader }{strings.NewReader(body)})
			},
			"ServeContent": func(body string) {
				http.ServeContent(w, r, "hello.txt", time.Time{}, strings.NewReader(body))
			},
		},
		Stream: func(parts func(send func(part string) error)) {
			parts(func(part string) error {
				if _, err := io.WriteString(w, part); err != nil {
					return err
				}
				return http.NewResponseController(w).Flush()
			})
		},
		Fail:   func(err error) { session.Error(w, err) },
		Inform: w.WriteHeader,
	}
}
