package matrix

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// netHTTP is a server of net/http. Its own tests begin a response in more ways.
func netHTTP(t *testing.T, s adaptertest.Server) string {
	h := handle(s)
	for _, manager := range slices.Backward(s.Managers) {
		h = nethttp.Middleware(manager, nil)(h)
	}
	return serve(t, s, h)
}

// handle has the suite answer requests.
func handle(s adaptertest.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write := func(part string) error {
			_, err := io.WriteString(w, part)
			return err
		}
		flush := http.NewResponseController(w).Flush
		s.Handler(adaptertest.Request{
			Context: r.Context(),
			Target:  r.URL.RequestURI(),
			Header:  w.Header().Set,
			Respond: func(status int, body string) {
				w.WriteHeader(status)
				_ = write(body)
			},
			Ways: map[string]func(body string){
				"Write": func(body string) { _ = write(body) },
				"Flush": func(body string) {
					if flush() == nil {
						_ = write(body)
					}
				},
			},
			Stream: func(parts func(send func(part string) error)) {
				parts(func(part string) error {
					if err := write(part); err != nil {
						return err
					}
					return flush()
				})
			},
			Fail:   func(err error) { session.Error(w, err) },
			Inform: w.WriteHeader,
		})
	})
}

// serve starts a server of the handler, with what comes before the sessions.
func serve(t *testing.T, s adaptertest.Server, h http.Handler) string {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range s.Header {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r.WithContext(s.Context(r.Context())))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handlers of the suite panic
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
