// Package dbsc is the wire format of Device Bound Session Credentials, as the
// editor's draft of the W3C has it (https://w3c.github.io/webappsec-dbsc/, read in
// November 2026) and as Chromium 156 does it. The draft may still move. All that may
// move with it is in this package.
package dbsc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
)

// The names of the header fields.
const (
	Registration = "Secure-Session-Registration" // of a response: make a key, and register it
	Challenge    = "Secure-Session-Challenge"    // of a response: what to sign next
	Response     = "Secure-Session-Response"     // of a request: a proof
	SessionID    = "Sec-Secure-Session-Id"       // of a request: it is a refresh, of the session with this identifier
	Skipped      = "Secure-Session-Skipped"      // of a request: it comes without the cookie, as the refresh failed
)

// Offer is the value of Registration. Neither text may contain a quote, a backslash
// or anything but visible ASCII.
func Offer(path, challenge string) string {
	return `(ES256 RS256);path="` + path + `";challenge="` + challenge + `"`
}

// Ask is the value of Challenge for a session.
func Ask(challenge, identifier string) string { return `"` + challenge + `";id="` + identifier + `"` }

// Text reads the value of a header field that is one string, with quotes or without,
// and ignores its parameters. The string can be sent back in quotes.
func Text(value string) (text string, ok bool) {
	text = strings.Trim(value, " ")
	if rest, quoted := strings.CutPrefix(text, `"`); quoted {
		text, _, ok = strings.Cut(rest, `"`)
	} else {
		text, _, _ = strings.Cut(text, ";")
		ok = true
	}
	barred := func(c rune) bool { return c < ' ' || c >= 0x7f || c == '"' || c == '\\' }
	return text, ok && text != "" && !strings.ContainsFunc(text, barred)
}

// maxSkips bounds how many sessions of one request are looked at.
const maxSkips = 10

// A Skip says that a browser could not refresh a session.
type Skip struct {
	Reason     string // unreachable, server_error or quota_exceeded
	Identifier string
}

// Skips reads the lines of Skipped, and passes over what it cannot read.
func Skips(lines []string) (skips []Skip) {
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			if len(skips) == maxSkips {
				return skips
			}
			reason, parameters, _ := strings.Cut(strings.Trim(member, " "), ";")
			for parameter := range strings.SplitSeq(parameters, ";") {
				name, value, _ := strings.Cut(strings.Trim(parameter, " "), "=")
				if identifier := strings.Trim(value, `"`); name == "session_identifier" && identifier != "" {
					skips = append(skips, Skip{reason, identifier})
				}
			}
		}
	}
	return skips
}

// Identifier is the name that a browser gets for a session that it registers. It is the
// same for each login with one cookie at one origin, so that a registration replaces the
// one before: nobody is logged in again by the key of somebody else's login. Browsers
// have one list of names for a whole site, with all its hosts. So the origin is in it.
// Without one, or with an opaque one, it is a name for this session alone.
func Identifier(cookie, origin, id string) string {
	if origin == "" || origin == "null" {
		return cookie + "." + id
	}
	sum := sha256.Sum256([]byte(origin))
	return cookie + "." + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Cookie is the name of the cookie in an identifier, or "".
func Cookie(identifier string) string {
	cookie, _, _ := cutLast(identifier, ".")
	return cookie
}

// The query of a refresh names the session: the identifier does not.
const sessionParameter = "session"

// RefreshURL is where to refresh a session.
func RefreshURL(path, id string) string { return path + "?" + sessionParameter + "=" + id }

// Refreshed is the session that the query of a refresh names.
func Refreshed(query string) (id string, ok bool) {
	values, err := url.ParseQuery(query)
	if ids := values[sessionParameter]; err == nil && len(ids) == 1 {
		return ids[0], true
	}
	return "", false
}

// Instructions are what a browser has to know of a session that it has registered or
// refreshed, as JSON: which cookie to keep fresh, and where. attributes are those of
// the cookie, as in Set-Cookie.
func Instructions(identifier, refreshURL, cookie, attributes string) []byte {
	type credential struct {
		Type       string `json:"type"`
		Name       string `json:"name"`
		Attributes string `json:"attributes"`
	}
	type scope struct {
		IncludeSite   bool     `json:"include_site"`
		Specification []string `json:"scope_specification"`
	}
	text, err := json.Marshal(struct {
		SessionID   string       `json:"session_identifier"`
		RefreshURL  string       `json:"refresh_url"`
		Scope       scope        `json:"scope"`
		Credentials []credential `json:"credentials"`
	}{identifier, refreshURL, scope{false, []string{}}, []credential{{"cookie", cookie, attributes}}})
	if err != nil {
		panic(err) // it is made of strings
	}
	return text
}
