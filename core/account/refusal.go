package account

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A Refusal is the answer to a request that a guard does not admit.
type Refusal struct {
	Status int
	Header http.Header // set each of them, but add Vary
	Body   string      // of the type in Header; empty with 303
	Err    error       // ErrNotLoggedIn, ErrLoginTooOld, ErrNotBound, or an error of Manager.Get or Peek
}

// refuse answers a request that a login would help.
func (g Guard) refuse(r Request, err error) *Refusal {
	page := g.LoginURL != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	if page && r.navigates() {
		return &Refusal{Status: http.StatusSeeOther, Err: err, Header: http.Header{
			"Cache-Control": {"no-store"}, "Vary": {varies}, "Location": {g.loginURL(r.Target)},
		}}
	}
	// RFC 9110, section 15.5.2, wants a challenge with each 401. No scheme is
	// registered for cookies; browsers ignore those that they do not know.
	challenge := "Cookie"
	if errors.Is(err, ErrLoginTooOld) {
		challenge += ` error="insufficient_user_authentication", max_age="` + strconv.Itoa(int(g.Within.Seconds())) + `"`
	}
	refusal := refuse(r, http.StatusUnauthorized, err)
	refusal.Header.Set("Www-Authenticate", challenge)
	return refusal
}

// varies lists the headers on which the form of a refusal depends.
const varies = "Accept, Sec-Fetch-Mode"

// refuse answers with a status, in the form that the client asks for. It does
// not reveal the reason.
func refuse(r Request, status int, err error) *Refusal {
	header := http.Header{"Cache-Control": {"no-store"}, "Vary": {varies}, "X-Content-Type-Options": {"nosniff"}}
	title := http.StatusText(status)
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "1")
	}
	if !r.wantsJSON() {
		header.Set("Content-Type", "text/plain; charset=utf-8")
		return &Refusal{status, header, title + "\n", err}
	}
	header.Set("Content-Type", "application/problem+json")
	return &Refusal{status, header, fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d}`+"\n", title, status), err}
}

func (g Guard) loginURL(target string) string {
	if !local(target) {
		return g.LoginURL
	}
	page, fragment, found := strings.Cut(g.LoginURL, "#")
	if strings.Contains(page, "?") {
		page += "&"
	} else {
		page += "?"
	}
	page += "next=" + url.QueryEscape(target)
	if found {
		page += "#" + fragment
	}
	return page
}

func (refusal *Refusal) answer(w http.ResponseWriter) {
	header := w.Header()
	for name, values := range refusal.Header {
		if name == "Vary" {
			header[name] = append(header[name], values...)
		} else {
			header[name] = values
		}
	}
	w.WriteHeader(refusal.Status)
	_, _ = io.WriteString(w, refusal.Body) // the client left, or the commit failed: the adapter deals with both
}
