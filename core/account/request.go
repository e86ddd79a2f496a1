package account

import (
	"net/http"
	"strconv"
	"strings"
)

// A Request is what [Check] has to know about a request. Its strings are not
// kept.
type Request struct {
	Method    string
	Target    string // path and query, as the client sent them
	Accept    string // the header of that name
	FetchMode string // the header Sec-Fetch-Mode
}

// requestOf takes the target that the client sent, because routers change the
// URL.
func requestOf(r *http.Request) Request {
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	return Request{
		Method:    r.Method,
		Target:    target,
		Accept:    strings.Join(r.Header["Accept"], ","),
		FetchMode: r.Header.Get("Sec-Fetch-Mode"),
	}
}

// navigates reports whether a browser would show the answer as a page. Browsers
// say so by Sec-Fetch-Mode since 2023, and scripts cannot set that. Without it,
// a request for HTML counts as a page.
func (r Request) navigates() bool {
	if r.FetchMode != "" {
		return r.FetchMode == "navigate"
	}
	return r.accepts(func(media string) bool { return media == "text/html" })
}

// wantsJSON reports whether a program asks for JSON, rather than a browser for
// a page.
func (r Request) wantsJSON() bool {
	return !r.navigates() && r.accepts(func(media string) bool { return media == "application/json" || strings.HasSuffix(media, "+json") })
}

// accepts reports whether the first media range of a kind is acceptable.
func (r Request) accepts(kind func(media string) bool) bool {
	for mediaRange := range strings.SplitSeq(r.Accept, ",") {
		media, parameters, _ := strings.Cut(mediaRange, ";")
		if kind(strings.ToLower(strings.TrimSpace(media))) {
			return !unacceptable(parameters)
		}
	}
	return false
}

// unacceptable reports whether the parameters of a media range have the weight
// zero (RFC 9110, section 12.4.2).
func unacceptable(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64); strings.EqualFold(strings.TrimSpace(name), "q") {
			return err == nil && weight == 0
		}
	}
	return false
}
