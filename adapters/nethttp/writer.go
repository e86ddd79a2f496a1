package nethttp

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/gostateful/session/core"
)

// An exchange is all that a request costs: its session's exchange, which is
// also its context, and its http.ResponseWriter. It commits before the header
// leaves, by whichever method that happens.
//
// http.ResponseController looks for a method on each writer in turn, following
// Unwrap, so every method that begins a response is here: otherwise it would
// find the inner one and pass by the commit.
type exchange struct {
	session.Exchange
	inner     http.ResponseWriter
	request   *http.Request
	fail      ErrorHandler
	committed bool
	err       error // of the commit: the handler's response is replaced
}

func (x *exchange) Header() http.Header { return x.inner.Header() }

func (x *exchange) WriteHeader(status int) {
	// 1xx are sent ahead of the response and are not it, but for 101, which
	// leaves HTTP.
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if informational && !x.committed || x.commit() == nil {
		x.inner.WriteHeader(status)
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	if err := x.commit(); err != nil {
		return 0, err
	}
	return x.inner.Write(b)
}

func (x *exchange) WriteString(s string) (int, error) {
	if err := x.commit(); err != nil {
		return 0, err
	}
	return io.WriteString(x.inner, s)
}

// ReadFrom lets io.Copy use the inner writer's, which is sendfile on TCP.
func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	if err := x.commit(); err != nil {
		return 0, err
	}
	return io.Copy(x.inner, r)
}

// FlushError is what http.ResponseController calls.
func (x *exchange) FlushError() error {
	if err := x.commit(); err != nil {
		return err
	}
	return http.NewResponseController(x.inner).Flush()
}

// Unwrap gives http.ResponseController the deadlines, full duplex, and what
// else the inner writer can do that does not begin a response.
func (x *exchange) Unwrap() http.ResponseWriter { return x.inner }

// The types below add methods that a handler may test for, where the inner
// writer has them. Each is a single pointer, which costs no allocation.
type (
	flusher  struct{ *exchange }
	hijacker struct{ flusher }
	pusher   struct{ flusher }
)

func (w flusher) Flush() { _ = w.FlushError() }

// Hijack commits first: the cookie, if there is one, is in the Header, from
// where whoever takes over the connection may send it.
func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := w.commit(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(w.inner).Hijack()
}

func (w pusher) Push(target string, opts *http.PushOptions) error {
	p, _ := find[http.Pusher](w.inner)
	return p.Push(target, opts)
}

func wrap(x *exchange) http.ResponseWriter {
	if _, ok := find[http.Hijacker](x.inner); ok {
		return hijacker{flusher{x}}
	}
	if _, ok := find[http.Pusher](x.inner); ok {
		return pusher{flusher{x}}
	}
	if _, ok := find[http.Flusher](x.inner); ok {
		return flusher{x}
	}
	return x
}

// find looks for a method as http.ResponseController does.
func find[T any](w http.ResponseWriter) (T, bool) {
	for {
		if t, ok := w.(T); ok {
			return t, true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			var none T
			return none, false
		}
		w = u.Unwrap()
	}
}
