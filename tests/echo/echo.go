// Package sessionecho is an adapter for echo, to be copied: see docs/adapters.md. It is not released.
package sessionecho

import (
	"bufio"
	"maps"
	"net"
	"net/http"
	"sync"

	"github.com/labstack/echo/v5"

	session "github.com/gostateful/session/core"
)

// Middleware gives each request its session: manager.Get(c.Request().Context()).
// If it cannot be stored, echo's error handler answers in place of the handler.
func Middleware(manager session.AnyManager) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			w := &writer{ResponseWriter: c.Response(), c: c}
			w.commit = sync.OnceValue(w.begin)
			if !w.exchange.Begin(c.Request().Context(), manager, c.Request().Header[session.RequestHeader(manager)]) {
				return next(c)
			}
			w.exchange.Route = w
			defer w.end(c.Request(), w.Header().Clone())
			c.SetRequest(c.Request().WithContext(&w.exchange))
			c.SetResponse(w)
			err := next(c)
			if failure := w.commit(); failure != nil { // now, or when the handler wrote
				err = failure
			} else if w.exchange.Finish() != nil {
				panic(http.ErrAbortHandler) // cuts the connection: the response has told of a success
			}
			return answered(err, w.Header())
		}
	}
}

// answered gives an error of a session its status and header, and a text without its reason.
func answered(err error, header http.Header) error {
	added, ours := session.ErrorHeader(err)
	if !ours {
		return err
	}
	added.AddTo(header)
	if echo.StatusCode(err) != 0 { // which the application chose
		return err
	}
	return echo.NewHTTPError(session.HTTPStatus(err), "cannot keep your session").Wrap(err)
}

// A writer commits before the first byte; if that fails, it sends nothing.
type writer struct {
	http.ResponseWriter
	c        *echo.Context
	exchange session.Exchange
	added    session.Header
	commit   func() error
	hijacked bool
}

func (w *writer) begin() error {
	var err error
	r := w.c.Request()
	w.added, err = w.exchange.Commit(session.Response{
		Header: w.Header(), Hijacked: w.hijacked,
		Plain: r.TLS == nil && r.Header.Get("X-Forwarded-Proto") == "" && r.Header.Get("Forwarded") == "", Host: r.Host,
	})
	w.added.AddTo(w.Header())
	return err
}

// end gives request and response back as they were, also after a panic.
func (w *writer) end(request *http.Request, outer http.Header) {
	w.exchange.Discard() // what a panic left; else the exchange is over by now
	w.c.SetResponse(w.ResponseWriter)
	inner := w.c.Request()
	request.Form, request.PostForm, request.MultipartForm = inner.Form, inner.PostForm, inner.MultipartForm // whose files the server removes
	request.Pattern = inner.Pattern
	if w.commit() != nil {
		clear(w.Header())
		maps.Copy(w.Header(), outer)
		w.added.AddTo(w.Header())
	}
}

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter } // for deadlines
func (w *writer) Route() string               { return w.c.Request().Method + " " + w.c.Path() }

func (w *writer) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols || w.commit() == nil { // 1xx is no response
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *writer) Write(b []byte) (int, error) {
	if err := w.commit(); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

func (w *writer) Flush() {
	if w.commit() == nil {
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
}

func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	if err := w.commit(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
