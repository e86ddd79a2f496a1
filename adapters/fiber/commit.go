package sessionfiber

import (
	"encoding/binary"
	"iter"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
)

// end commits and finishes at once. So the changes of a stream, which runs
// later, are refused. err is the error of the handlers. end returns the error
// of the middleware.
func (x *exchange) end(err error, onError fiber.ErrorHandler) error {
	added, failure := x.session.Commit(session.Response{Plain: x.plain, Host: x.host})
	if late := x.session.Finish(); failure == nil && late != nil {
		failure, added = late, session.Header{CacheControl: "no-store", Vary: x.reads, RetryAfter: "1"}
	}
	c, timedOut := x.c, x.timedOut()
	resp := c.Response()
	if timedOut {
		if x.session.Err() != nil {
			// If the timeout middleware is around this one, its response has been sent.
			// This one goes nowhere, as if the client had left.
			return err
		}
		resp = c.RequestCtx().LastTimeoutErrorResponse()
	}
	x.response = &resp.Header
	if failure == nil {
		added.AddTo(fields{x})
		return err
	}

	status := session.HTTPStatus(failure)
	x.restore(&resp.Header)
	added.AddTo(fields{x})
	resp.Header.SetStatusMessage(nil)
	resp.SetStatusCode(status)
	resp.SkipBody = false
	resp.ResetBody() // ends a stream too
	if !timedOut {
		c.RequestCtx().Hijack(nil)
		if onError != nil {
			return onError(c, failure)
		}
	}
	resp.Header.SetContentType(fiber.MIMETextPlainCharsetUTF8)
	resp.SetBodyString(http.StatusText(status))
	return nil
}

// header is fasthttp's ResponseHeader. go.mod then need not name that module.
type header interface {
	All() iter.Seq2[[]byte, []byte]
	PeekAll(name string) [][]byte
	Add(name, value string)
	Del(name string)
}

// fields adapts the header of a response to session.Header.AddTo.
type fields struct{ *exchange }

func (f fields) Add(name, value string) { f.response.Add(name, value) }

func (f fields) Set(name, value string) {
	remove(f.response, func(n []byte) bool { return strings.EqualFold(string(n), name) })
	f.response.Add(name, value)
}

func (f fields) Values(name string) (values []string) {
	for _, value := range f.response.PeekAll(name) {
		values = append(values, string(value))
	}
	return values
}

// remember keeps the header as it is before the handler. Without other
// middleware it is empty, except for the default Content-Type. The copy is one
// piece of memory, so it costs one allocation: each name and each value follows
// its length.
func (x *exchange) remember() {
	h := &x.c.Response().Header
	size := 0
	for name, value := range h.All() {
		if !isDefault(name, value) {
			size += 2*binary.MaxVarintLen32 + len(name) + len(value)
		}
	}
	if size == 0 {
		return
	}
	outer := make([]byte, 0, size)
	for name, value := range h.All() {
		if !isDefault(name, value) {
			outer = append(binary.AppendUvarint(outer, uint64(len(name))), name...)
			outer = append(binary.AppendUvarint(outer, uint64(len(value))), value...)
		}
	}
	x.outer = outer
}

func isDefault(name, value []byte) bool {
	return string(name) == fiber.HeaderContentType && string(value) == fiber.MIMETextPlainCharsetUTF8
}

// restore sets the header to what remember kept.
func (x *exchange) restore(h header) {
	remove(h, func([]byte) bool { return true })
	left := x.outer
	next := func() string {
		length, prefix := binary.Uvarint(left)
		end := prefix + int(length)
		text := string(left[prefix:end])
		left = left[end:]
		return text
	}
	for len(left) > 0 {
		name := next()
		h.Add(name, next())
	}
}

// remove removes the headers that which selects. With
// Config.DisableHeaderNormalizing, names may be in any case.
func remove(h header, which func(name []byte) bool) {
	var found []string // nothing may be deleted in the loop
	for name := range h.All() {
		if which(name) {
			found = append(found, string(name))
		}
	}
	for _, name := range found {
		h.Del(name)
	}
}
