package nethttp_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/gostateful/session/adapters/nethttp"
)

// abilities are what a handler can find that its writer can do.
var abilities = map[string]func(w http.ResponseWriter) bool{
	"Flusher":       has[http.Flusher],
	"FlushError":    has[interface{ FlushError() error }],
	"Hijacker":      has[http.Hijacker],
	"Pusher":        has[http.Pusher],
	"ReaderFrom":    has[io.ReaderFrom],
	"StringWriter":  has[io.StringWriter],
	"CloseNotifier": has[interface{ CloseNotify() <-chan bool }], // deprecated in net/http, and still asserted

	"SetReadDeadline":  by(func(c *http.ResponseController) error { return c.SetReadDeadline(time.Time{}) }),
	"SetWriteDeadline": by(func(c *http.ResponseController) error { return c.SetWriteDeadline(time.Time{}) }),
	"EnableFullDuplex": by((*http.ResponseController).EnableFullDuplex),
	"Flush":            by((*http.ResponseController).Flush),
}

func has[T any](w http.ResponseWriter) bool {
	_, ok := w.(T)
	return ok
}

func by(call func(*http.ResponseController) error) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		return !errors.Is(call(http.NewResponseController(w)), http.ErrNotSupported)
	}
}

// TestServersWriter: the writer can do what the server's own can, no less and
// no more.
func TestServersWriter(t *testing.T) {
	for proto, least := range map[string][]string{
		"HTTP/1.1": {"Flusher", "Hijacker", "ReaderFrom", "StringWriter", "CloseNotifier", "EnableFullDuplex"},
		"HTTP/2.0": {"Flusher", "Pusher", "StringWriter", "CloseNotifier", "SetWriteDeadline"},
	} {
		t.Run(proto, func(t *testing.T) {
			found := make(chan []string, 1)
			look := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != proto {
					t.Errorf("got a request of %s, want %s", r.Proto, proto)
				}
				found <- able(w)
			})
			visit(t, proto, look)
			bare := <-found
			visit(t, proto, nethttp.Middleware(newShop(t).Manager, nil)(look))
			wrapped := <-found
			if !slices.Equal(wrapped, bare) {
				t.Errorf("the writer of the middleware can %q, want what the server's can: %q", wrapped, bare)
			}
			for _, name := range least {
				if !slices.Contains(bare, name) {
					t.Errorf("the server's own writer can %q, and not %s: the test looks wrongly", bare, name)
				}
			}
		})
	}
}

func able(w http.ResponseWriter) (names []string) {
	for name, can := range abilities {
		if can(w) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// visit sends one request over the protocol.
func visit(t *testing.T, proto string, h http.Handler) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = proto == "HTTP/2.0"
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	if !server.EnableHTTP2 {
		client.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// The parts of which the writers of other middlewares are made.
type (
	plain  struct{ http.ResponseWriter }
	flush  struct{ called *string }
	flushE struct{ called *string }
	hijck  struct{ called *string }
	push   struct{ called *string }
	notify struct{ called *string }
)

func (f flush) Flush()             { *f.called += "Flush " }
func (f flushE) FlushError() error { *f.called += "FlushError "; return nil }
func (h hijck) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	*h.called += "Hijack "
	return nil, nil, nil
}
func (p push) Push(string, *http.PushOptions) error { *p.called += "Push "; return nil }
func (n notify) CloseNotify() <-chan bool           { *n.called += "CloseNotify "; return nil }

// unwrapped hides all but Unwrap.
type unwrapped struct{ http.ResponseWriter }

func (u unwrapped) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// TestOtherWriters: inside the middlewares of others, no method is hidden or
// added, and each call arrives.
func TestOtherWriters(t *testing.T) {
	var called string
	w := plain{httptest.NewRecorder()}
	f, e, h, p, n := flush{&called}, flushE{&called}, hijck{&called}, push{&called}, notify{&called}
	for _, test := range []struct {
		want  string
		inner http.ResponseWriter
	}{
		{"", w},
		{"Flush ", struct {
			plain
			flush
		}{w, f}},
		{"FlushError ", struct {
			plain
			flushE
		}{w, e}},
		{"Hijack ", struct {
			plain
			hijck
		}{w, h}},
		{"Push ", struct {
			plain
			push
		}{w, p}},
		{"Flush Hijack ", struct {
			plain
			flush
			hijck
		}{w, f, h}},
		{"Flush Push ", struct {
			plain
			flush
			push
		}{w, f, p}},
		{"Flush CloseNotify ", struct {
			plain
			flush
			notify
		}{w, f, n}},
		{"Flush Hijack CloseNotify ", struct {
			plain
			flush
			hijck
			notify
		}{w, f, h, n}},
		{"Flush Push CloseNotify ", unwrapped{struct {
			plain
			flush
			push
			notify
		}{w, f, p, n}}},
		{"Hijack ", struct {
			plain
			hijck
			notify
		}{w, h, n}}, // no server has this
	} {
		t.Run(test.want, func(t *testing.T) {
			called = ""
			nethttp.Middleware(newShop(t).Manager, nil)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				call(w)
			})).ServeHTTP(test.inner, httptest.NewRequest("GET", "/", nil))
			if called != test.want {
				t.Errorf("a handler that does what it can called %q, want %q", called, test.want)
			}
		})
	}
}

// call calls each optional method that w has.
func call(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	if h, ok := w.(http.Hijacker); ok {
		_, _, _ = h.Hijack()
	}
	if p, ok := w.(http.Pusher); ok {
		_ = p.Push("/", nil)
	}
	if n, ok := w.(interface{ CloseNotify() <-chan bool }); ok {
		n.CloseNotify()
	}
}
