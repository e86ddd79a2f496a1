//go:build fiber || all

package main

import (
	"bufio"
	"context"
	"errors"
	"net"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
)

// onFiber serves the site with fiber.
func onFiber(s *site) (server, error) {
	app := fiber.New(fiber.Config{
		BodyLimit:     maxBody,
		CaseSensitive: true,
		ErrorHandler:  s.sendError,
		Immutable:     true, // the site keeps strings of the request
		StrictRouting: true,
	})
	app.Use(recover.New(), sessionfiber.Middleware(s.sessions, &sessionfiber.Options{OnError: s.sendError}))
	for _, rt := range s.routes() {
		methods := []string{rt.method}
		if rt.method == fiber.MethodGet {
			methods = append(methods, fiber.MethodHead)
		}
		app.Add(methods, rt.path, func(c fiber.Ctx) error { return send(c, s.serve(c, rt, fiberRequest(c))) })
	}
	app.Use(func(c fiber.Ctx) error { return send(c, s.missing(fiberRequest(c))) })
	return fiberServer{app}, nil
}

// sendError answers a request that failed in fiber, or whose session could not be
// stored.
func (s *site) sendError(c fiber.Ctx, err error) error {
	if known, ok := errors.AsType[*fiber.Error](err); ok {
		err = problem{known.Code, "This request cannot be answered."}
	}
	return send(c, s.fail(fiberRequest(c), err))
}

func fiberRequest(c fiber.Ctx) *request {
	return &request{
		method: c.Method(), host: c.Host(), target: c.OriginalURL(),
		header: func(name string) string { return c.Get(name) },
		field:  func(name string) string { return c.FormValue(name) },
	}
}

func send(c fiber.Ctx, a answer) error {
	for name, values := range a.header {
		c.Set(name, values[0])
	}
	c.Status(a.status)
	if a.stream == nil || c.Method() == fiber.MethodHead { // after the header of a stream fasthttp would send its last line
		return c.Send(a.body)
	}
	return c.SendStreamWriter(func(w *bufio.Writer) {
		a.stream(context.Background(), func(text string) error { // c is not to be used here
			if _, err := w.WriteString(text); err != nil {
				return err
			}
			return w.Flush()
		})
	})
}

// A fiberServer has the methods of http.Server.
type fiberServer struct{ app *fiber.App }

func (s fiberServer) Serve(l net.Listener) error {
	return s.app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
}

func (s fiberServer) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
