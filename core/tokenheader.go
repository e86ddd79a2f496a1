package session

import (
	"net/http"
	"strings"
)

// TokenHeader names the header fields that carry the token of clients that are not
// browsers, such as mobile applications. The zero value means the cookie.
//
// A client sends the token as it got it:
//
//	Authorization: Bearer <token>
//
// A response that begins or renews a session carries the new token in the field
// Response. A response that ends the session carries this field empty: the
// client then forgets the token. A client should keep the token where its
// system keeps secrets.
//
// Other sites cannot make a browser send such a field, so requests need no
// defense against cross-site request forgery. But scripts of the page can read
// the token, and an injected script can steal it: prefer the cookie in
// browsers. A script of another origin needs CORS:
// Access-Control-Expose-Headers with Response, to read the token, and
// Access-Control-Allow-Headers with Name, to send it.
type TokenHeader struct {
	Name     string // of the request's field, such as "Authorization"
	Scheme   string // before the token, such as "Bearer" (RFC 9110, 11.1); empty means none
	Response string // the response's field; empty means "Session-Token"
}

// RequestHeader returns the name of the request header that a manager reads
// tokens from: "Cookie", or the Name of [Options.Header]. It has the form of
// [http.CanonicalHeaderKey]. It is for adapters.
func RequestHeader(m AnyManager) string { return m.core().opts.requestHeader() }

func (o *Options) requestHeader() string {
	if o.Header.Name != "" {
		return o.Header.Name
	}
	return "Cookie"
}

func (h *TokenHeader) setDefaults() {
	if h.Name == "" {
		return
	}
	h.Name = http.CanonicalHeaderKey(h.Name)
	if h.Response == "" {
		h.Response = "Session-Token"
	}
}

// checkHeader refuses names that no header can have, and a manager with both a
// cookie and a header: whoever can set one could plant a session in the other.
func (o *Options) checkHeader(f *faults, cookie bool) {
	h := &o.Header
	if h.Name == "" {
		f.add(*h != TokenHeader{}, "Header needs a Name, such as Authorization")
		return
	}
	f.add(cookie, "Header and Cookie: a manager reads the one or the other; make a second manager for other clients")
	for _, field := range []struct{ what, name string }{{"Name", h.Name}, {"Response", h.Response}} {
		f.add(!isToken(field.name), "Header.%s %q is not the name of a header field", field.what, field.name)
		f.add(strings.EqualFold(field.name, "Cookie") || strings.EqualFold(field.name, "Set-Cookie"), "Header.%s %q: leave Header empty to use a cookie", field.what, field.name)
	}
	f.add(h.Scheme != "" && !isToken(h.Scheme), "Header.Scheme %q must be one word, such as Bearer", h.Scheme)
	f.add(h.Name == "Authorization" && h.Scheme == "", "Header.Scheme: Authorization needs one, such as Bearer")
}

// isToken reports whether a text is a token of RFC 9110, section 5.6.2.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && !('0' <= c && c <= '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return text != ""
}

// carrier returns the name of the header in an envelope. It is never that of a
// cookie, because no cookie's name has a colon (law 17).
func (h *TokenHeader) carrier() string { return "header:" + strings.ToLower(h.Name) }

// token reads the token from the values of the field into found, and returns the
// number of tokens. It refuses two values, because a proxy may have judged the other
// one.
func (h *TokenHeader) token(lines []string, found *[maxTokens]presented) (n int) {
	if len(lines) != 1 {
		return 0
	}
	value := lines[0]
	if h.Scheme != "" {
		scheme, rest, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, h.Scheme) {
			return 0
		}
		value = strings.TrimLeft(rest, " ")
	}
	t, ok := decodeToken(value)
	if !ok {
		return 0
	}
	found[0] = presented{token: t, carrier: h.carrier()}
	return 1
}
