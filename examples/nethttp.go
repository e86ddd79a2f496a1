package main

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"time"

	"github.com/gostateful/session/adapters/nethttp"
)

// netHTTP serves the shop with net/http.
func netHTTP(s *shop) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.getPage)
	for path, do := range s.posts() {
		mux.HandleFunc("POST "+path, handlePost(do))
	}
	return serveHTTP(nethttp.Middleware(s.sessions, &nethttp.Options{OnError: answerError})(mux))
}

func serveHTTP(h http.Handler) *http.Server {
	// A cookie alone does not tell a visitor's own POST from one that another
	// site made their browser send. This does.
	h = http.NewCrossOriginProtection().Handler(h)
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
}

func (s *shop) getPage(w http.ResponseWriter, r *http.Request) {
	p, err := s.visit(r.Context())
	if err != nil {
		answerError(w, r, err)
		return
	}
	answer(w, http.StatusOK, func(b *bytes.Buffer) error { return p.render(b) })
}

func handlePost(do func(context.Context, form) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, "cannot read the form", http.StatusBadRequest)
			return
		}
		if err := do(r.Context(), r.PostForm.Get); err != nil {
			answerError(w, r, err)
			return
		}
		// The browser fetches the page anew, so that reloading it does not
		// repeat the POST. The session is committed before this leaves.
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// answerError answers a request that failed in the shop or at the commit.
func answerError(w http.ResponseWriter, r *http.Request, err error) {
	if status(err) >= http.StatusInternalServerError {
		log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	answer(w, status(err), func(b *bytes.Buffer) error { return renderError(b, err) })
}

// answer renders before it writes, so that a failure can still be a 500.
func answer(w http.ResponseWriter, code int, render func(*bytes.Buffer) error) {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		log.Print(err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = b.WriteTo(w) // the visitor left; nobody to tell
}
