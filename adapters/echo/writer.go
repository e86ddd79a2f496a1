package sessionecho

import (
	"bufio"
	"net"
	"net/http"

	"github.com/labstack/echo/v5"

	session "github.com/gostateful/session/core"
)

// commit commits once, before the header is written. After an error nothing of
// the handler's response may be sent.
func (x *exchange) commit(hijacked bool) error {
	if x.committed {
		return x.err
	}
	x.committed = true
	x.outer.Pattern = x.c.Request().Pattern // for a writer outside that counts by pattern when the header comes
	header := x.inner.Header()
	x.added, x.err = x.session.Commit(session.Response{
		Header: header, Hijacked: hijacked,
		Plain: plain(x.outer), Host: x.outer.Host,
	})
	if x.err == nil {
		x.added.AddTo(header)
	}
	return x.err
}

// plain reports whether a request came over plain http, and through no proxy
// that may have ended TLS.
func plain(r *http.Request) bool {
	return r.TLS == nil && len(r.Header["X-Forwarded-Proto"]) == 0 && len(r.Header["Forwarded"]) == 0
}

// Unwrap gives http.ResponseController the other methods of the writer outside,
// which do not begin a response: deadlines, full duplex.
func (x *exchange) Unwrap() http.ResponseWriter { return x.inner }

func (x *exchange) Header() http.Header { return x.inner.Header() }

func (x *exchange) WriteHeader(status int) {
	// A 1xx is sent ahead of the response, except 101, which is final.
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	switch {
	case informational && x.err == nil:
		beneath(x.inner).WriteHeader(status)
	case x.commit(false) == nil:
		x.inner.WriteHeader(status)
	}
}

// beneath returns the writer beneath echo's response. That response would take
// a 1xx for the final one, and no error could be sent if the commit failed
// later.
func beneath(w http.ResponseWriter) http.ResponseWriter {
	if r, err := echo.UnwrapResponse(w); err == nil {
		return r.ResponseWriter
	}
	return w
}

func (x *exchange) Write(b []byte) (int, error) {
	if err := x.commit(false); err != nil {
		return 0, err
	}
	return x.inner.Write(b)
}

// FlushError is called by the response's Flush.
func (x *exchange) FlushError() error {
	if err := x.commit(false); err != nil {
		return err
	}
	return http.NewResponseController(x.inner).Flush()
}

// Hijack commits first. The cookie, if there is one, is then in the Header, and the
// handler may send it.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := x.commit(true); err != nil {
		return nil, nil, err
	}
	conn, buffered, err := http.NewResponseController(x.inner).Hijack()
	x.hijacked = err == nil
	return conn, buffered, err
}
