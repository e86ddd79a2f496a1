package sessionfiber

import (
	"bytes"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v3"
)

// sent returns the values of the header lines that the manager reads.
func (x *exchange) sent() []string {
	if x.reads == fiber.HeaderCookie {
		return x.cookies()
	}
	return x.values(x.reads, x.lines[:0])
}

// values adds copies of the values of header lines.
func (x *exchange) values(reads string, lines []string) []string {
	for name, value := range x.c.Request().Header.All() {
		if strings.EqualFold(string(name), reads) {
			lines = append(lines, string(value))
		}
	}
	return lines
}

// requestFields is the header of a request as session.Exchange wants it.
type requestFields struct{ *exchange }

func (r requestFields) Values(name string) []string { return r.values(name, nil) }

// cookies returns the values of the Cookie lines, byte for byte as the client sent
// them.
//
// After a middleware has asked for a cookie, fasthttp has parsed them all. It
// has dropped the lines with their quotes, the spaces around an equals sign,
// and the equals sign before a cookie without a name. The raw header still has
// all this. But it lacks what a middleware has changed, such as the cookies
// that encryptcookie has decrypted. So cookies takes the raw lines if fasthttp
// would parse them into the cookies that it has now.
func (x *exchange) cookies() []string {
	header := &x.c.Request().Header
	kept := header.PeekAll(fiber.HeaderCookie)
	if len(kept) == 0 || x.c.App().Config().DisableHeaderNormalizing {
		// With Config.DisableHeaderNormalizing PeekAll finds "Cookie" only. This
		// call makes fasthttp's parser run, which finds "cookie" too. PeekAll then
		// returns what it found.
		header.Cookie("")
		kept = header.PeekAll(fiber.HeaderCookie)
		if len(kept) == 1 && len(kept[0]) == 0 && !mentions(header.RawHeaders(), fiber.HeaderCookie) {
			return nil // a first visit: the empty line is what fasthttp made of no cookies
		}
	}
	lines := x.lines[:0]
	for _, line := range kept {
		lines = append(lines, string(line))
	}
	if len(kept) != 1 || !formatted(header, kept[0]) {
		return lines
	}
	sent, parsed := x.lines[:0], zero(header)
	for name, value := range header.AllInOrder() {
		if strings.EqualFold(string(name), fiber.HeaderCookie) {
			sent = append(sent, string(value))
			parsed.AddBytesV(fiber.HeaderCookie, value)
		}
	}
	if slices.EqualFunc(parsed.PeekAll(fiber.HeaderCookie), header.PeekAll(fiber.HeaderCookie), bytes.Equal) {
		return sent
	}
	changed := x.lines[:0]
	for name, value := range header.Cookies() {
		if len(name) > 0 {
			changed = append(changed, string(name)+"="+string(value))
		}
	}
	return changed
}

// mentions reports whether a text contains a word, in any case.
func mentions(text []byte, word string) bool {
	for i := range len(text) - len(word) + 1 {
		if text[i]|0x20 == word[0]|0x20 && strings.EqualFold(string(text[i:i+len(word)]), word) {
			return true
		}
	}
	return false
}

// formatted reports whether fasthttp has made a line anew of the cookies that it has
// parsed. It does so whenever it is asked, and makes one line. Otherwise the line is in
// its memory. An empty line may be either.
func formatted(h interface{ PeekAll(name string) [][]byte }, line []byte) bool {
	again := h.PeekAll(fiber.HeaderCookie)
	return len(line) == 0 || len(again[0]) == 0 || &line[0] != &again[0][0]
}

// zero returns an empty value of a type that this module does not require by name.
func zero[T any](*T) *T { return new(T) }
