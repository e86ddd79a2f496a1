package nethttp

import (
	"maps"
	"net/http"

	"github.com/gostateful/session/core"
)

// commit commits once, before the header is written. After an error the
// response has been written, and nothing of the handler's may follow.
func (x *exchange) commit() error {
	if x.committed {
		return x.err
	}
	x.committed = true
	added, err := x.session.Commit()
	if err != nil {
		x.err = err
		x.replace()
		return err
	}
	header := x.inner.Header()
	if added.SetCookie != "" {
		header.Add("Set-Cookie", added.SetCookie)
	}
	if added.CacheControl != "" {
		header.Set("Cache-Control", added.CacheControl)
	}
	if !added.Varies(header["Vary"]) {
		header.Add("Vary", added.Vary)
	}
	return nil
}

// replace answers in place of the handler.
func (x *exchange) replace() {
	x.restore()
	header := x.inner.Header()
	header.Set("Cache-Control", "no-store")
	w := &errorWriter{ResponseWriter: x.inner, status: session.HTTPStatus(x.err)}
	x.fail(w, x.request, x.err)
	w.begin()
	x.kept = header.Clone()
}

// restore removes what the handler has set.
func (x *exchange) restore() {
	header := x.inner.Header()
	clear(header)
	maps.Copy(header, x.kept)
}

// An errorWriter is what an ErrorHandler writes to: a status of 200, which the
// server supplies where none is written, would tell of a success.
type errorWriter struct {
	http.ResponseWriter
	status int // where the ErrorHandler writes none; zero once one is written
}

func (w *errorWriter) WriteHeader(status int) {
	if status >= 200 {
		w.status = 0
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *errorWriter) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

func (w *errorWriter) begin() {
	if w.status != 0 {
		w.WriteHeader(w.status)
	}
}

// answer is the ErrorHandler where none is given.
func answer(w http.ResponseWriter, _ *http.Request, err error) {
	status := session.HTTPStatus(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, http.StatusText(status), status)
}
