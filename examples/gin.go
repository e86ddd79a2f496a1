//go:build gin || all

package main

import (
	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
)

// onGin serves the site with gin.
func onGin(s *site) (server, error) {
	gin.SetMode(gin.ReleaseMode) // so it prints no routes
	r := gin.New()
	r.RedirectTrailingSlash = false
	r.Use(gin.Recovery(), sessiongin.Middleware(s.sessions, &sessiongin.Options{
		OnError: func(c *gin.Context, err error) { s.onError(c.Writer, c.Request, err) },
	}))
	for _, rt := range s.routes() {
		h := gin.WrapF(s.handle(rt))
		r.Handle(rt.method, rt.path, h)
		if rt.method == "GET" {
			r.HEAD(rt.path, h)
		}
	}
	r.NoRoute(gin.WrapF(s.handleMissing))
	return newServer(r), nil
}
