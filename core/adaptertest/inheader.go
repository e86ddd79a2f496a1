package adaptertest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

func inHeaderLaws() []law { return []law{{"InHeader", inHeader}} }

// inHeader: these laws hold for clients with a token in a header too. The laws
// still use a cookie; what they send and receive is translated.
func inHeader(t *testing.T, on setup) {
	if on.over {
		return
	}
	on.header = true
	names := []string{
		"CommitFirst", "ExplicitCommit", "LostReply", "CommitFails", "FailureTellsWhen", "FailureHidesResponse",
		"NoStore", "CachingIsTheHandlers", "OneSetCookie", "LoginReaches", "LateLogin", "LateFailure", "LogoutWins",
		"LoginThenStraggler", "LoginDuringChange", "UnknownToken", "DiscardedLogin", "LostResponse", "LostRenewal",
		"RenewalTakenOver", "UnusedIsFree", "ReadIsOneLoad",
	}
	for _, l := range laws() {
		if slices.Contains(names, l.name) {
			t.Run(l.name, func(t *testing.T) { l.check(t, on) })
		}
	}
}

// tokenHeader says where these clients have their token.
var tokenHeader = session.TokenHeader{Name: "Authorization", Scheme: "Bearer", Response: "New-Token"}

// toHeader converts a Cookie line to the header line that carries its token.
func toHeader(line string) string {
	if token, ok := strings.CutPrefix(line, cookie("")); ok {
		return "authorization: Bearer " + token
	}
	return line
}

// toCookie converts the token header of a response to a Set-Cookie line.
func toCookie(h http.Header) {
	for _, token := range h.Values(tokenHeader.Response) {
		line := cookieName + "=" + token + "; Path=/; HttpOnly; Secure; SameSite=Lax"
		if token == "" {
			line += "; Max-Age=0"
		}
		h.Add("Set-Cookie", line)
	}
	h.Del(tokenHeader.Response)
	for i, name := range h["Vary"] {
		if name == tokenHeader.Name {
			h["Vary"][i] = "Cookie"
		}
	}
}

// A headerTransport translates the requests and responses of a visitor.
type headerTransport struct{ http.RoundTripper }

func (tr headerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if c, err := r.Cookie(cookieName); err == nil {
		r.Header.Set(tokenHeader.Name, tokenHeader.Scheme+" "+c.Value)
		r.Header.Del("Cookie")
	}
	resp, err := tr.RoundTripper.RoundTrip(r)
	if err == nil {
		toCookie(resp.Header)
	}
	return resp, err
}
