//go:build echo || all

package main

import (
	"net/http"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	sessionecho "github.com/gostateful/session/adapters/echo"
)

// onEcho serves the site with echo.
func onEcho(s *site) (server, error) {
	missing := echo.WrapHandler(http.HandlerFunc(s.handleMissing))
	e := echo.NewWithConfig(echo.Config{
		HTTPErrorHandler: s.answerError,
		Router:           echo.NewRouter(echo.RouterConfig{NotFoundHandler: missing, MethodNotAllowedHandler: missing}),
	})
	e.Use(middleware.Recover(), sessionecho.Middleware(s.sessions))
	for _, rt := range s.routes() {
		methods := []string{rt.method}
		if rt.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		e.Match(methods, rt.path, echo.WrapHandler(s.handle(rt)))
	}
	return newServer(e), nil
}

// answerError answers a request that failed, or whose session could not be stored.
func (s *site) answerError(c *echo.Context, err error) {
	if r, _ := echo.UnwrapResponse(c.Response()); r == nil || !r.Committed {
		write(c.Response(), c.Request(), s.fail(newRequest(c.Request()), err))
	}
}
