package main

import (
	"bytes"
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
)

// onFiber serves the shop with fiber.
func onFiber(s *shop) fiberServer {
	app := fiber.New(fiber.Config{ErrorHandler: sendError})
	app.Use(refuseOtherSites, sessionfiber.Middleware(s.sessions, &sessionfiber.Options{OnError: sendError}))
	app.Get("/", func(c fiber.Ctx) error {
		p, err := s.visit(c)
		if err != nil {
			return err
		}
		return send(c, http.StatusOK, func(b *bytes.Buffer) error { return p.render(b) })
	})
	for path, do := range s.posts() {
		app.Post(path, func(c fiber.Ctx) error {
			if err := do(c, func(field string) string { return c.FormValue(field) }); err != nil {
				return err
			}
			return c.Redirect().Status(http.StatusSeeOther).To("/")
		})
	}
	return fiberServer{app}
}

// refuseOtherSites is to fiber what serveHTTP does for net/http.
func refuseOtherSites(c fiber.Ctx) error {
	err := http.NewCrossOriginProtection().Check(&http.Request{
		Method: c.Method(),
		Host:   c.Host(),
		URL:    &url.URL{Path: c.Path()},
		Header: http.Header{"Origin": {c.Get("Origin")}, "Sec-Fetch-Site": {c.Get("Sec-Fetch-Site")}},
	})
	if err != nil {
		return fiber.NewError(http.StatusForbidden, err.Error())
	}
	return c.Next()
}

// sendError answers a request that failed in the shop, at the commit, or in fiber.
func sendError(c fiber.Ctx, err error) error {
	var known *fiber.Error
	if errors.As(err, &known) && errors.Unwrap(err) == nil { // an error of the session wraps its reason
		return c.Status(known.Code).SendString(known.Message)
	}
	if status(err) >= http.StatusInternalServerError {
		log.Printf("%s %s: %v", c.Method(), c.Path(), err)
	}
	return send(c, status(err), func(b *bytes.Buffer) error { return renderError(b, err) })
}

func send(c fiber.Ctx, code int, render func(*bytes.Buffer) error) error {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(code).Send(b.Bytes())
}

// A fiberServer has the methods of http.Server.
type fiberServer struct{ app *fiber.App }

func (s fiberServer) Serve(l net.Listener) error {
	return s.app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
}

func (s fiberServer) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
