package sessiongin

import (
	"errors"
	"maps"
	"net/http"
	"time"

	session "github.com/gostateful/session/core"
)

// commit commits once, before the header is written. After an error OnError has
// written the response, and nothing of the handler's response may follow.
func (x *exchange) commit(hijacked bool) error {
	if x.committed {
		return x.err
	}
	if informational(x.status) {
		x.inform()
	}
	x.committed = true
	header, sent := x.Header(), x.Written()
	added, err := x.session.Commit(session.Response{
		Header: header, Hijacked: hijacked || sent,
		Plain: plain(x.outer), Host: x.outer.Host,
	})
	switch {
	case sent && (err != nil || len(added.SetCookie) > 0 || added.TokenHeader != ""):
		x.cut()
		panic(errPassedBy)
	case err != nil:
		x.err = err
		x.replace(added)
	case !sent:
		added.AddTo(header)
		if x.status != 0 {
			x.ResponseWriter.WriteHeader(x.status)
		}
	}
	x.status = 0 // the inner writer has it now
	return x.err
}

// plain reports whether a request came over plain http, and through no proxy
// that may have ended TLS.
func plain(r *http.Request) bool {
	return r.TLS == nil && len(r.Header["X-Forwarded-Proto"]) == 0 && len(r.Header["Forwarded"]) == 0
}

// replace lets OnError write the response in place of the handler. OnError gets
// a copy of c: a middleware inside may have set its own writer in c, and a
// handler that was left behind may still use c.
func (x *exchange) replace(added session.Header) {
	x.restore()
	added.AddTo(x.Header())
	x.ResponseWriter.WriteHeader(session.HTTPStatus(x.err))
	c := x.c.Copy()
	c.Writer = x.ResponseWriter
	x.onError(c, x.err)
	x.ResponseWriter.WriteHeaderNow() // if OnError wrote nothing
	x.kept = x.Header().Clone()
}

// restore removes the headers that the handlers have set.
func (x *exchange) restore() {
	header := x.Header()
	clear(header)
	maps.Copy(header, x.kept)
}

// These panics are not http.ErrAbortHandler. Gin takes that for a client that
// has left, and logs the header of the request with its cookies. If a
// middleware outside holds the response back, it can still be answered, and
// gin.Recovery would send 200.
var (
	errLate = errors.New("sessiongin: a change that was made after the response had begun could not be stored, so the connection is cut: the log of the session has the reason")

	errPassedBy = errors.New("sessiongin: the response began without the cookie of its session, so the connection is cut: use Middleware on each route that HandleContext leads to, and write to the Writer that c has in the handler")
)

// cut ends the connection if the client has been told of a success. A panic is not
// enough: gin.Recovery then lets the response end as if it were whole.
func (x *exchange) cut() {
	w := x.server()
	if w == nil || x.hijacked || x.err != nil || !x.Written() {
		return
	}
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Unix(1, 0)) // HTTP/2 resets the stream; HTTP/1 sends nothing that still waits in a buffer
	if conn, _, err := c.Hijack(); err == nil {
		_ = conn.Close()
		x.hijacked = true
	}
}
