package sessiongin

import (
	"bufio"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	session "github.com/gostateful/session/core"
)

// An exchange is the handler's gin.ResponseWriter. It holds the session's
// exchange, which is the handler's context: one allocation for both. It commits
// before the header is sent, whichever method sends it.
//
// As gin's own writer, it sends a status only with what follows it. It does not even
// pass it on before the commit: the writer of another middleware may take the first
// status for the last.
//
// http.ResponseController follows Unwrap to find a method. So every method that
// begins a response must be here. The others are those of the inner writer.
type exchange struct {
	gin.ResponseWriter // the inner one

	session   session.Exchange
	c         *gin.Context
	outer     *http.Request // the request before the middleware
	path      string        // of the route
	onError   func(c *gin.Context, err error)
	kept      http.Header // the header before the handlers; after a failed commit, that of the error response
	status    int         // of the handler, until the commit; zero if it has set none
	committed bool
	hijacked  bool
	err       error // of the commit: the handler's response is replaced
}

// Unwrap gives http.ResponseController the inner writer's other methods, which do
// not begin a response: deadlines, full duplex.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// Route is the method and gin's pattern. It is that of the route by which the request
// came, as c belongs to other goroutines, or to another request, while Route is called.
func (x *exchange) Route() string {
	if x.path == "" {
		return ""
	}
	return x.outer.Method + " " + x.path
}

// Status is what the handler has set, sent or not.
func (x *exchange) Status() int {
	if x.status != 0 {
		return x.status
	}
	return x.ResponseWriter.Status()
}

func (x *exchange) WriteHeader(status int) {
	switch {
	case x.err != nil:
	case x.committed:
		x.ResponseWriter.WriteHeader(status)
	case status > 0: // gin renders with -1 to keep the status
		x.status = status
	}
}

func (x *exchange) WriteHeaderNow() {
	if informational(x.status) {
		x.inform()
		return
	}
	if x.commit(false) == nil {
		x.ResponseWriter.WriteHeaderNow()
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	if err := x.commit(false); err != nil {
		return 0, hidden(err)
	}
	return x.ResponseWriter.Write(b)
}

func (x *exchange) WriteString(s string) (int, error) {
	if err := x.commit(false); err != nil {
		return 0, hidden(err)
	}
	return x.ResponseWriter.WriteString(s)
}

func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError is for http.ResponseController.
func (x *exchange) FlushError() error {
	if err := x.commit(false); err != nil {
		return hidden(err)
	}
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Hijack commits first. The cookie, if there is one, is then in the Header, and
// the handler may send it.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := x.commit(true); err != nil {
		return nil, nil, hidden(err)
	}
	conn, buffered, err := x.ResponseWriter.Hijack()
	x.hijacked = err == nil
	return conn, buffered, err
}

// informational reports whether a response of the status is sent ahead of the final
// one. That of 101 is final.
func informational(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}

// inform sends such a response. Gin would take it for the final one, so it is sent to
// the writer that gin writes to. If that cannot be found, it is left out, as any
// of them may be.
func (x *exchange) inform() {
	if w := x.server(); w != nil && !x.Written() {
		w.WriteHeader(x.status)
	}
	x.status = 0
}

// server is the writer that gin writes to, which most often is the server's, or nil if
// the writer of a middleware outside hides it.
func (x *exchange) server() http.ResponseWriter {
	var w http.ResponseWriter = x
	for {
		if _, ok := w.(gin.ResponseWriter); !ok {
			return w
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
}
