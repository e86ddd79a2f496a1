package nethttp

import (
	"bufio"
	"io"
	"net"
	"net/http"

	session "github.com/gostateful/session/core"
)

// An exchange is all that a request costs: its session's exchange, which is
// the context that the handler sees, and its http.ResponseWriter. It commits
// before the header leaves, by whichever method that happens.
//
// http.ResponseController looks for a method on each writer in turn, following
// Unwrap. So every method that begins a response must be found here or in
// shape.go: otherwise it would find the inner one, and pass by the commit.
type exchange struct {
	session   session.Exchange
	inner     http.ResponseWriter
	kept      http.Header // as it was before the handler, or of the answer in place of the handler's
	request   *http.Request
	opts      *Options
	committed bool
	hijacked  bool
	err       error // of the commit: the handler's response is replaced
}

// Unwrap gives http.ResponseController the deadlines, full duplex, and what
// else the inner writer can do that does not begin a response.
func (x *exchange) Unwrap() http.ResponseWriter { return x.inner }

// Route is the pattern of the route that the request takes.
func (x *exchange) Route() string { return x.opts.Route(x.request) }

func (x *exchange) Header() http.Header { return x.inner.Header() }

func (x *exchange) WriteHeader(status int) {
	// 1xx are sent ahead of the response and are not it, but for 101, which
	// leaves HTTP.
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if informational && x.err == nil || x.commit(false) == nil {
		x.inner.WriteHeader(status)
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	if err := x.commit(false); err != nil {
		return 0, err
	}
	return x.inner.Write(b)
}

func (x *exchange) WriteString(s string) (int, error) {
	if err := x.commit(false); err != nil {
		return 0, err
	}
	return io.WriteString(x.inner, s)
}

// readFrom lets io.Copy use the inner writer's method: sendfile, on TCP.
func (x *exchange) readFrom(r io.Reader) (int64, error) {
	if err := x.commit(false); err != nil {
		return 0, err
	}
	return io.Copy(x.inner, r)
}

func (x *exchange) flush() error {
	if err := x.commit(false); err != nil {
		return err
	}
	return http.NewResponseController(x.inner).Flush()
}

// hijack commits first: the cookie, if there is one, is in the Header, from
// where whoever takes over the connection may send it.
func (x *exchange) hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := x.commit(true); err != nil {
		return nil, nil, err
	}
	conn, buffered, err := http.NewResponseController(x.inner).Hijack()
	x.hijacked = err == nil
	return conn, buffered, err
}

func (x *exchange) push(target string, opts *http.PushOptions) error {
	p, _ := find[http.Pusher](x.inner)
	return p.Push(target, opts)
}

func (x *exchange) closeNotify() <-chan bool {
	n, _ := find[closeNotifier](x.inner)
	return n.CloseNotify()
}
