package main

import (
	"io"
	"net/http"
	"time"

	"github.com/gostateful/session/adapters/nethttp"
)

// netHTTP serves the site with net/http.
func netHTTP(s *site) server {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		path := rt.path
		if path == "/" {
			path = "/{$}"
		}
		mux.HandleFunc(rt.method+" "+path, s.handle(rt))
	}
	mux.HandleFunc("/", s.handleMissing)
	return newServer(nethttp.Middleware(s.sessions, &nethttp.Options{OnError: s.onError})(mux))
}

// maxBody is how long a form may be.
const maxBody = 64 << 10

func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
}

func (s *site) handle(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			write(w, r, s.fail(newRequest(r), problem{http.StatusBadRequest, "This form cannot be read."}))
			return
		}
		write(w, r, s.serve(r.Context(), rt, newRequest(r)))
	}
}

func (s *site) handleMissing(w http.ResponseWriter, r *http.Request) {
	write(w, r, s.missing(newRequest(r)))
}

// onError answers a request whose session could not be stored.
func (s *site) onError(w http.ResponseWriter, r *http.Request, err error) {
	write(w, r, s.fail(newRequest(r), err))
}

func newRequest(r *http.Request) *request {
	return &request{method: r.Method, host: r.Host, target: r.URL.RequestURI(), header: r.Header.Get, field: r.FormValue}
}

func write(w http.ResponseWriter, r *http.Request, a answer) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the visitor left; nobody to tell
	if a.stream == nil {
		return
	}
	a.stream(r.Context(), func(text string) error {
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
}
