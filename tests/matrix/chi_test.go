package matrix

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gostateful/session/adapters/chi"
	"github.com/gostateful/session/core/adaptertest"
)

// onChi is a router of chi, with the sessions in a router within it. Its own
// tests put chi's middleware around them.
func onChi(t *testing.T, s adaptertest.Server) string {
	inner := chi.NewRouter()
	for _, manager := range s.Managers {
		inner.Use(sessionchi.Middleware(manager))
	}
	inner.HandleFunc("/*", func(w http.ResponseWriter, r *http.Request) {
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
			Inform: w.WriteHeader,
		})
	})
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, value := range s.Header {
				w.Header().Set(name, value)
			}
			next.ServeHTTP(w, r.WithContext(s.Context(r.Context())))
		})
	})
	router.Mount("/", inner)
	server := httptest.NewUnstartedServer(router)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handlers of the suite panic
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
