package nethttp

import (
	"bufio"
	"io"
	"net"
	"net/http"

	session "github.com/gostateful/session/core"
)

// An exchange is the handler's http.ResponseWriter. It holds the session's
// exchange, which is the handler's context, and the handler's request: one
// allocation for all three. It commits before the header is sent, whichever
// method sends it.
//
// http.ResponseController follows Unwrap to find a method. So every method that
// begins a response must be here or in shape.go. Otherwise the controller would
// call the inner one, without a commit.
type exchange struct {
	session   session.Exchange
	inner     http.ResponseWriter
	kept      http.Header // the header before the handler; after a failed commit, that of the error response
	outer     *http.Request
	request   http.Request // the handler's copy of outer
	opts      *Options
	committed bool
	hijacked  bool
	informed  bool  // a 1xx was sent; the writer of echo v4 takes it for the response
	err       error // of the commit: the handler's response is replaced
}

// Unwrap gives http.ResponseController the inner writer's other methods, which do
// not begin a response: deadlines, full duplex.
func (x *exchange) Unwrap() http.ResponseWriter { return x.inner }

// Route returns the pattern of the request's route.
func (x *exchange) Route() string { return x.opts.Route(&x.request) }

func (x *exchange) Header() http.Header { return x.inner.Header() }

func (x *exchange) WriteHeader(status int) {
	// A 1xx is sent ahead of the response, except 101, which is final.
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	x.informed = x.informed || informational
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

// hijack commits first. The cookie, if there is one, is then in the Header, and
// the handler may send it.
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
