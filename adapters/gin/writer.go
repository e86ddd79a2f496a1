package sessiongin

import (
	"bufio"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	session "github.com/gostateful/session/core"
)

// An exchange is the handler's gin.ResponseWriter. It holds the session's
// exchange, which is the handler's context, and the handlers' request: one
// allocation for all three. It commits before the header is sent, whichever
// method sends it.
//
// Like gin's own writer, it sends a status only with what follows it. It does
// not even pass the status on before the commit: the writer of another
// middleware may take the first status for the last.
//
// http.ResponseController follows Unwrap to find a method. So every method that
// begins a response must be here. The others are those of the inner writer.
type exchange struct {
	gin.ResponseWriter // the inner one

	session   session.Exchange
	c         *gin.Context
	outer     *http.Request // the request before the middleware
	request   http.Request  // the handlers' copy of it
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

// Route returns the method and gin's pattern of the route that the request
// first took. It does not read c, which other goroutines, or another request,
// may be using.
func (x *exchange) Route() string {
	if x.path == "" {
		return ""
	}
	return x.outer.Method + " " + x.path
}

// Status returns the status that the handler has set, sent or not.
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

// informational reports whether a response with this status is sent ahead of
// the final one. 101 is final.
func informational(status int) bool {
	return status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
}

// inform sends an informational response. Gin would take it for the final one,
// so inform sends it to the writer that gin writes to. If that writer cannot be
// found, the response is left out, as any of this kind may be.
func (x *exchange) inform() {
	if w := x.server(); w != nil && !x.Written() {
		w.WriteHeader(x.status)
	}
	x.status = 0
}

// server returns the writer that gin writes to, mostly the server's, or nil if
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
