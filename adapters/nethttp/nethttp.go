// Package nethttp gives the handlers of net/http their sessions.
package nethttp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gostateful/session/core"
)

// An ErrorHandler answers a request whose session could not be written, in
// place of the response that the handler was about to begin. The headers that
// described that response, and all its cookies, are gone already.
// session.HTTPStatus tells the status that fits err.
type ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

// Middleware returns a middleware that gives each request to next its session
// of the manager: the handler gets it with manager.Get(r.Context()). The
// session is committed before the first byte of the response, by whichever way
// the handler begins it, and when the handler returns without writing.
// If that fails the error handler answers; without one, the text and the
// status of session.HTTPStatus.
//
// The http.ResponseWriter that next sees can do what the server's own can,
// directly and by http.ResponseController. Middlewares of several managers can
// stand around one another.
func Middleware(manager session.Engine, onError ...ErrorHandler) func(next http.Handler) http.Handler {
	fail := answer
	if len(onError) > 0 && onError[0] != nil {
		fail = onError[0]
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			serve(w, r, next, manager, fail)
		})
	}
}

func serve(w http.ResponseWriter, r *http.Request, next http.Handler, manager session.Engine, fail ErrorHandler) {
	x := &exchange{inner: w, fail: fail}
	x.Begin(r.Context(), manager, r.Header["Cookie"])
	x.request = r.WithContext(x)

	returned := false
	defer func() {
		if !returned { // a panic, which goes on, or runtime.Goexit
			x.Discard()
		}
	}()
	next.ServeHTTP(wrap(x), x.request)
	returned = true

	x.commit() // for a handler that wrote nothing, which is a 200
	_ = x.Finish()
}

// answer is the ErrorHandler where none is given.
func answer(w http.ResponseWriter, _ *http.Request, err error) {
	status := session.HTTPStatus(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// commit commits once, before the header is written, and reports whether the
// handler's response may go on.
func (x *exchange) commit() error {
	if x.committed {
		return x.err
	}
	x.committed = true
	added, err := x.Commit()
	header := x.inner.Header()
	if err != nil {
		x.err = err
		for _, name := range ofResponse {
			header.Del(name)
		}
		x.fail(x.inner, x.request, err)
		return err
	}
	if added.SetCookie != "" {
		header.Add("Set-Cookie", added.SetCookie)
	}
	if added.CacheControl != "" {
		header.Set("Cache-Control", added.CacheControl)
	}
	if added.Vary != "" && !varies(header, added.Vary) {
		header.Add("Vary", added.Vary)
	}
	return nil
}

// ofResponse are the headers of a handler's response that must not stand over
// the error response. A cookie of it would tell of a success.
var ofResponse = []string{
	"Accept-Ranges", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
	"Content-Location", "Content-Range", "Content-Type", "Etag", "Expires", "Last-Modified", "Link", "Location",
	"Refresh", "Set-Cookie", "Trailer",
}

func varies(header http.Header, on string) bool {
	return slices.ContainsFunc(header["Vary"], func(line string) bool {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, on) {
				return true
			}
		}
		return false
	})
}
