// Package plainadapter has the plainest adapter to net/http, for the tests of the
// packages of core that are handlers.
package plainadapter

import (
	"net/http"
	"net/http/httptest"
	"testing"

	session "github.com/gostateful/session/core"
)

// Wrap returns a handler that gives each request its session. A response begins only
// when it is over. So what the adapters do at that moment is for their own tests.
func Wrap(t testing.TB, manager session.AnyManager, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var x session.Exchange
		x.Begin(r.Context(), manager, r.Header[session.RequestHeader(manager)])
		x.Heed(r.Header)
		defer x.Discard()
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, r.WithContext(&x))
		added, err := x.Commit(session.Response{})
		if err != nil {
			http.Error(w, "commit failed", session.HTTPStatus(err))
			return
		}
		header := w.Header()
		for name, values := range response.Header() {
			header[name] = values
		}
		added.AddTo(header)
		w.WriteHeader(response.Code)
		_, _ = response.Body.WriteTo(w)
		if err := x.Finish(); err != nil {
			t.Error(err)
		}
	})
}
