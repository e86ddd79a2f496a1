// Package dbsc is the wire format of Device Bound Session Credentials, as the
// editor's draft of the W3C has it (https://w3c.github.io/webappsec-dbsc/, read in
// November 2026) and as Chromium 156 does it. The draft may still move. All that may
// move with it is in this package.
package dbsc

import (
	"encoding/json"
	"strings"
)

// The names of the header fields.
const (
	Registration = "Secure-Session-Registration" // of a response: make a key, and register it
	Challenge    = "Secure-Session-Challenge"    // of a response: what to sign next
	Response     = "Secure-Session-Response"     // of a request: a proof
	SessionID    = "Sec-Secure-Session-Id"       // of a request: it refreshes this session
	Skipped      = "Secure-Session-Skipped"      // of a request: it comes without the cookie, as the refresh failed
)

// Offer is the value of Registration. Neither text may contain a quote, a backslash
// or anything but visible ASCII.
func Offer(path, challenge string) string {
	return `(ES256 RS256);path="` + path + `";challenge="` + challenge + `"`
}

// Ask is the value of Challenge for a session.
func Ask(challenge, id string) string { return `"` + challenge + `";id="` + id + `"` }

// Text reads the value of a header field that is one string, with quotes or without,
// and ignores its parameters.
func Text(value string) (text string, ok bool) {
	text = strings.Trim(value, " ")
	if rest, quoted := strings.CutPrefix(text, `"`); quoted {
		text, _, ok = strings.Cut(rest, `"`)
		return text, ok && text != "" && !strings.Contains(text, `\`)
	}
	text, _, _ = strings.Cut(text, ";")
	return text, text != ""
}

// maxSkips bounds how many sessions of one request are looked at.
const maxSkips = 10

// A Skip says that a browser could not refresh a session.
type Skip struct {
	Reason string // unreachable, server_error or quota_exceeded
	ID     string
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
				if id := strings.Trim(value, `"`); name == "session_identifier" && id != "" {
					skips = append(skips, Skip{reason, id})
				}
			}
		}
	}
	return skips
}

// Instructions are what a browser has to know of a session that it has registered or
// refreshed, as JSON: which cookie to keep fresh, and where. attributes are those of
// the cookie, as in Set-Cookie.
func Instructions(id, path, cookie, attributes string) []byte {
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
	}{id, path, scope{false, []string{}}, []credential{{"cookie", cookie, attributes}}})
	if err != nil {
		panic(err) // it is made of strings
	}
	return text
}
