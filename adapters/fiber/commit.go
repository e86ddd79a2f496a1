package sessionfiber

import (
	"encoding/binary"
	"iter"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
)

// end commits, and finishes at once: what runs on, such as a stream, learns from
// its changes that they come too late. Given the error of the handlers it
// returns that of the middleware.
func (x *exchange) end(err error, onError fiber.ErrorHandler) error {
	added, failure := x.session.Commit(session.Response{})
	if late := x.session.Finish(); failure == nil && late != nil {
		failure, added = late, session.Header{CacheControl: "no-store", Vary: fiber.HeaderCookie, RetryAfter: "1"}
	}
	c, timedOut := x.c, x.timedOut()
	resp := c.Response()
	if timedOut {
		if x.session.Err() != nil {
			// The timeout stands around this middleware, or may do so. Then its
			// answer is on its way, and this is as if the client had left.
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
	resp.ResetBody() // which ends a stream
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

// header is fasthttp's ResponseHeader, without requiring that module by name.
type header interface {
	All() iter.Seq2[[]byte, []byte]
	PeekAll(name string) [][]byte
	Add(name, value string)
	Del(name string)
}

// fields is the header of a response as session.Header wants it.
type fields struct{ *exchange }

func (f fields) Add(name, value string) { f.response.Add(name, value) }

func (f fields) Set(name, value string) {
	remove(f.response, func(n string) bool { return strings.EqualFold(n, name) })
	f.response.Add(name, value)
}

func (f fields) Values(name string) (values []string) {
	for _, value := range f.response.PeekAll(name) {
		values = append(values, string(value))
	}
	return values
}

// remember takes note of the header before the handler, which on a bare server
// is empty but for the Content-Type that is the default. All of it is one piece,
// each name and each value after its length, and so one allocation.
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

// restore makes the header what remember saw.
func (x *exchange) restore(h header) {
	remove(h, func(string) bool { return true })
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

// remove removes headers by their names, whose case is the handler's with
// Config.DisableHeaderNormalizing.
func remove(h header, which func(name string) bool) {
	var found []string // as nothing may be deleted in the loop
	for name := range h.All() {
		if which(string(name)) {
			found = append(found, string(name))
		}
	}
	for _, name := range found {
		h.Del(name)
	}
}
