package sessionfiber

import (
	"iter"
	"net/http"
	"slices"
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
	remove(&resp.Header, ofResponse...)
	resp.Header.Set(fiber.HeaderCacheControl, "no-store")
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
		remove(h, fiber.HeaderCacheControl)
		h.Set(fiber.HeaderCacheControl, added.CacheControl)
	}
	if added.Vary != "" && !varies(h, added.Vary) {
		h.Add(fiber.HeaderVary, added.Vary)
	}
}

func varies(h header, on string) bool {
	for _, line := range h.PeekAll(fiber.HeaderVary) {
		for name := range strings.SplitSeq(string(line), ",") {
			if strings.EqualFold(strings.TrimSpace(name), on) {
				return true
			}
		}
	}
	return false
}

// remove deletes headers whatever their case is, which is the handler's with
// Config.DisableHeaderNormalizing.
func remove(h header, names ...string) {
	var found []string // as nothing may be deleted in the loop
	for name := range h.All() {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, string(name)) }) {
			found = append(found, string(name))
		}
	}
	for _, name := range found {
		h.Del(name)
	}
}

// ofResponse are the headers of a handler's response that must not stand over
// the error response. A cookie of it would tell of a success.
var ofResponse = []string{
	"Accept-Ranges", "Cache-Control", "Clear-Site-Data", "Content-Digest", "Content-Disposition", "Content-Encoding",
	"Content-Language", "Content-Length", "Content-Location", "Content-Md5", "Content-Range", "Content-Type", "Digest",
	"Etag", "Expires", "Last-Modified", "Link", "Location", "Refresh", "Repr-Digest", "Set-Cookie", "Trailer",
}
