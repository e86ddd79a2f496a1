package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	sessionchi "github.com/gostateful/session/adapters/chi"
	"github.com/gostateful/session/adapters/nethttp"
)

// onChi serves the shop with chi.
func onChi(s *shop) *http.Server {
	r := chi.NewRouter()
	r.Use(sessionchi.Middleware(s.sessions, &nethttp.Options{OnError: answerError}))
	r.Get("/", s.getPage)
	for path, do := range s.posts() {
		r.Post(path, handlePost(do))
	}
	return serveHTTP(r)
}
