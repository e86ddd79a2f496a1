package nethttp_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

// update changes the request's session.
func (s shop) update(t *testing.T, r *http.Request) *session.Session[cart] {
	t.Helper()
	held, err := s.Get(r.Context())
	if err == nil {
		err = held.Update(add("bread"))
	}
	if err != nil {
		t.Error(err)
	}
	return held
}

// TestErrorHandler: OnError answers a failed commit, and its answer has no
// header of the handler's response.
func TestErrorHandler(t *testing.T) {
	long := strings.Repeat("sorry ", 1000) // it has no Content-Length, and so may have trailers
	for name, test := range map[string]struct {
		opts   *nethttp.Options
		status int
		body   string
	}{
		"Default": {nil, 503, "Service Unavailable\n"},
		"Nil":     {&nethttp.Options{}, 503, "Service Unavailable\n"},
		"Own": {&nethttp.Options{OnError: func(w http.ResponseWriter, r *http.Request, err error) {
			if !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("got the error %v, want ErrUnavailable", err)
			}
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, "sorry, "+r.URL.Path)
		}}, 502, "sorry, /pay"},
		"BodyOnly":      {&nethttp.Options{OnError: func(w http.ResponseWriter, _ *http.Request, _ error) { io.WriteString(w, "sorry") }}, 503, "sorry"},
		"Chunked":       {&nethttp.Options{OnError: func(w http.ResponseWriter, _ *http.Request, _ error) { io.WriteString(w, long) }}, 503, long},
		"WritesNothing": {&nethttp.Options{OnError: func(http.ResponseWriter, *http.Request, error) {}}, 503, ""},
		"Informs":       {&nethttp.Options{OnError: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(103) }}, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			shop := newShop(t)
			calls := 0
			opts := test.opts
			if opts != nil && opts.OnError != nil {
				opts = &nethttp.Options{OnError: func(w http.ResponseWriter, r *http.Request, err error) {
					calls++
					test.opts.OnError(w, r, err)
				}}
			}
			handler := nethttp.Middleware(shop.Manager, opts)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				shop.update(t, r)
				shop.store.Lose()
				header := w.Header()
				header["ETag"] = []string{`"a"`}
				header.Set("Content-Length", "4")
				header.Set("Location", "/paid")
				header.Set("Trailer", "Checksum")
				header.Set(http.TrailerPrefix+"Sum", "1")
				header.Add("Set-Cookie", "paid=yes")
				header.Set("HX-Redirect", "/paid")
				header["x-paid"] = []string{"yes"}
				header.Set("X-Frame-Options", "SAMEORIGIN")
				header.Add("Server-Timing", "pay;dur=3")
				w.WriteHeader(http.StatusSeeOther)
				if _, err := io.WriteString(w, "paid"); !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("a write of the response that is replaced: got the error %v, want that of the commit", err)
				}
				w.WriteHeader(http.StatusEarlyHints)
				header.Set(http.TrailerPrefix+"Late", "1")
			}))
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				// As outer middlewares do.
				w.Header().Set("Access-Control-Allow-Origin", "https://shop.example")
				w.Header().Set("X-Frame-Options", "DENY")
				w.Header().Add("Server-Timing", "proxy;dur=1")
				w.Header().Add("Set-Cookie", "theme=dark")
				handler.ServeHTTP(w, r)
			}))
			var logged bytes.Buffer
			server.Config.ErrorLog = log.New(&logged, "", 0)
			server.Start()
			defer server.Close()
			resp, err := server.Client().Get(server.URL + "/pay")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			server.Close()
			if logged.Len() > 0 {
				t.Errorf("the server logged %q: the answer is begun once, and nothing of the handler's follows", logged.String())
			}
			if resp.StatusCode != test.status || string(body) != test.body || err != nil {
				t.Errorf("got status %d, body %q, error %v, want %d, %q", resp.StatusCode, body, err, test.status, test.body)
			}
			for _, name := range []string{"Etag", "Location", "Trailer", "Hx-Redirect", "X-Paid"} {
				if got, ok := resp.Header[name]; ok {
					t.Errorf("the answer has the handler's %s: %q", name, got)
				}
			}
			for name, want := range map[string]string{"X-Frame-Options": "DENY", "Server-Timing": "proxy;dur=1", "Set-Cookie": "theme=dark"} {
				if got := resp.Header[name]; !slices.Equal(got, []string{want}) {
					t.Errorf("got %s %q, want %q, as it was before the handler", name, got, want)
				}
			}
			if len(resp.Trailer) > 0 {
				t.Errorf("the answer has the handler's trailers %v", resp.Trailer)
			}
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got == "" {
				t.Error("the answer has lost a header that is not the handler's: a script of another origin could not read the status")
			}
			if got := resp.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("got Cache-Control %q, want no-store", got)
			}
			if got := resp.Header.Get("Retry-After"); got == "" {
				t.Errorf("got Retry-After %q, want it in the default answer to a store that is down", got)
			}
			if opts != nil && opts.OnError != nil && calls != 1 {
				t.Errorf("the error handler was called %d times, want once", calls)
			}
		})
	}
}

// TestLateFailure: if a change is lost after the response has begun, the
// connection is cut. A connection that the handler has taken over is not cut.
func TestLateFailure(t *testing.T) {
	for name, respond := range map[string]func(w http.ResponseWriter){
		"Flushed": func(w http.ResponseWriter) {
			io.WriteString(w, "one")
			w.(http.Flusher).Flush()
		},
		"Hijacked": func(w http.ResponseWriter) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none")
			conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			shop := newShop(t)
			var panicked any
			h := nethttp.Middleware(shop.Manager, nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := shop.update(t, r)
				respond(w)
				if err := s.Update(add("butter")); err != nil {
					t.Error(err)
				}
				shop.store.Lose()
			}))
			ended := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				defer func() {
					if panicked = recover(); panicked != nil {
						panic(panicked)
					}
				}()
				h.ServeHTTP(w, r)
			}))
			defer server.Close()
			resp, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			<-ended
			if want := name == "Flushed"; (err != nil) != want || string(body) != "one" || (panicked == http.ErrAbortHandler) != want {
				t.Errorf("got the body %q, error %v, panic %v; want the connection cut: %t", body, err, panicked, want)
			}
		})
	}
}

// TestSwitchingProtocols: 101 ends HTTP, so it commits, unlike the other 1xx.
func TestSwitchingProtocols(t *testing.T) {
	shop := newShop(t)
	server := httptest.NewServer(nethttp.Middleware(shop.Manager, nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shop.update(t, r)
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
	})))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 101 || len(resp.Cookies()) != 1 {
		t.Errorf("got status %d and the cookies %v, want 101 and one", resp.StatusCode, resp.Cookies())
	}
}

// TestOutsideRecover: if an outer middleware answers a panic, its answer has no
// cookie.
func TestOutsideRecover(t *testing.T) {
	shop := newShop(t)
	h := nethttp.Middleware(shop.Manager, nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		shop.update(t, r)
		panic("out of bread")
	}))
	rec := httptest.NewRecorder()
	func() {
		defer func() {
			if recover() != nil {
				rec.WriteHeader(http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	}()
	if rec.Code != 500 || len(rec.Result().Cookies()) != 0 || shop.store.Len() != 0 {
		t.Errorf("got status %d, cookies %v and %d sessions, want 500 and none", rec.Code, rec.Result().Cookies(), shop.store.Len())
	}
}
