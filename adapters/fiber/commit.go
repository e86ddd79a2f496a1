package sessionfiber

import (
	"encoding/binary"
	"iter"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/gostateful/session/core"
)

// end commits, and finishes at once: what runs on, such as a stream, learns from
// its changes that they come too late. Given the error of the handlers it
// returns that of the middleware.
func (x *exchange) end(err error, fail fiber.ErrorHandler) error {
	added, failure := x.session.Commit()
	if late := x.session.Finish(); failure == nil {
		failure = late
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
	if failure == nil {
		add(&resp.Header, added)
		return err
	}

	status := session.HTTPStatus(failure)
	x.restore(&resp.Header)
	resp.Header.SetStatusMessage(nil)
	resp.SetStatusCode(status)
	resp.SkipBody = false
	resp.ResetBody() // which ends a stream
	if !timedOut {
		c.RequestCtx().Hijack(nil)
		if fail != nil {
			return fail(c, failure)
		}
	}
	if status == http.StatusServiceUnavailable {
		resp.Header.Set(fiber.HeaderRetryAfter, "1")
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
	Set(name, value string)
	Del(name string)
}

func add(h header, added session.Header) {
	if added.SetCookie != "" {
		h.Add(fiber.HeaderSetCookie, added.SetCookie)
	}
	if added.CacheControl != "" {
		set(h, fiber.HeaderCacheControl, added.CacheControl)
	}
	if added.Vary == "" {
		return
	}
	var vary []string
	for _, line := range h.PeekAll(fiber.HeaderVary) {
		vary = append(vary, string(line))
	}
	if !added.Varies(vary) {
		h.Add(fiber.HeaderVary, added.Vary)
	}
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

// restore makes the header what remember saw, and not to be cached.
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
	set(h, fiber.HeaderCacheControl, "no-store")
}

// set replaces a header whatever its case is, which is the handler's with
// Config.DisableHeaderNormalizing.
func set(h header, name, value string) {
	remove(h, func(n string) bool { return strings.EqualFold(n, name) })
	h.Set(name, value)
}

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
