//go:build chi || all

package main

import (
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	sessionchi "github.com/gostateful/session/adapters/chi"
	"github.com/gostateful/session/adapters/nethttp"
)

// onChi serves the site with chi.
func onChi(s *site) (server, error) {
	r := chi.NewRouter()
	r.Use(middleware.GetHead, sessionchi.Middleware(s.sessions, &nethttp.Options{OnError: s.onError}))
	for _, rt := range s.routes() {
		r.Method(rt.method, rt.path, s.handle(rt))
	}
	r.NotFound(s.handleMissing)
	r.MethodNotAllowed(s.handleMissing)
	return newServer(r), nil
}
