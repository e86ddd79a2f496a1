package nethttp

import (
	"errors"
	"maps"
	"net/http"
	"reflect"
	"time"

	session "github.com/gostateful/session/core"
)

// commit commits once, before the header is written. After an error OnError has
// written the response, and nothing of the handler's response may follow.
func (x *exchange) commit(hijacked bool) error {
	if x.committed {
		return x.err
	}
	x.committed = true
	x.outer.Pattern = x.request.Pattern // for a writer outside that counts by pattern when the header comes
	header := x.inner.Header()
	added, err := x.session.Commit(session.Response{
		Header: header, Hijacked: hijacked,
		Plain: plain(x.outer), Host: x.outer.Host,
	})
	if (err != nil || len(added.SetCookie) > 0 || added.TokenHeader != "") && !x.informed && begun(x.inner) {
		_ = http.NewResponseController(x.inner).SetWriteDeadline(time.Unix(1, 0)) // for a framework that recovers
		panic(errPassedBy)
	}
	if err != nil {
		x.err = err
		x.replace(added)
		return err
	}
	added.AddTo(header)
	return nil
}

// errPassedBy is for frameworks whose handlers do not write to the
// http.ResponseWriter that they are given, but to something else, such as gin's
// Context.
var errPassedBy = errors.New("nethttp: the response began without the cookie of its session, because the handler did not write to the http.ResponseWriter that the middleware gave it: pass that on, or use the adapter for your framework, such as adapters/gin or adapters/echo")

// begun reports whether a response has begun, as far as the writer can tell.
// The writers of some frameworks can: gin's has a method, and echo's has a
// field.
func begun(w http.ResponseWriter) bool {
	if tells, ok := find[interface{ Written() bool }](w); ok {
		return tells.Written()
	}
	fields := reflect.Indirect(reflect.ValueOf(w))
	if fields.Kind() != reflect.Struct {
		return false
	}
	committed := fields.FieldByName("Committed")
	return committed.IsValid() && committed.Kind() == reflect.Bool && committed.Bool()
}

// plain reports whether a request came over plain http, and through no proxy
// that may have ended TLS.
func plain(r *http.Request) bool {
	return r.TLS == nil && len(r.Header["X-Forwarded-Proto"]) == 0 && len(r.Header["Forwarded"]) == 0
}

// replace lets OnError write the response in place of the handler.
func (x *exchange) replace(added session.Header) {
	x.restore()
	header := x.inner.Header()
	added.AddTo(header)
	w := &errorWriter{ResponseWriter: x.inner, status: session.HTTPStatus(x.err)}
	x.opts.OnError(w, &x.request, x.err)
	w.begin()
	x.kept = header.Clone()
}

// restore removes the headers that the handler has set.
func (x *exchange) restore() {
	header := x.inner.Header()
	clear(header)
	maps.Copy(header, x.kept)
}

// An errorWriter is the writer of OnError. It writes the status of the error if
// OnError writes none: the server would send 200.
type errorWriter struct {
	http.ResponseWriter
	status int // to be written; zero once a status is written
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
