package account

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// RequireLogin returns a middleware that lets pass whom the guard lets pass. It
// belongs inside the adapter's middleware of the manager. Others are sent to
// the login page, with 303, or get 401 with a challenge of the scheme Cookie;
// if the login is too old, the challenge has the error code of RFC 9470,
// insufficient_user_authentication. When the session cannot be loaded nobody
// is taken for logged out: the answer is the status of session.HTTPStatus,
// 503 for a store that is down. None of these answers may be stored by a cache.
func RequireLogin[T any](m *session.Manager[T], g Guard) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refusal := Check(r.Context(), m, g, requestOf(r)); refusal != nil {
				refusal.answer(w)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// A Request is what Check has to know about one. Its strings are not kept.
type Request struct {
	Method    string
	Target    string // path and query, as the client sent them
	Accept    string // the header of that name
	FetchMode string // the header Sec-Fetch-Mode
}

// requestOf takes the target that the client sent: routers change the URL.
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

// A Refusal is the answer to a request that may not pass.
type Refusal struct {
	Status int
	Header http.Header // to be set, but for Vary, which is to be added
	Err    error       // ErrNotLoggedIn, ErrLoginTooOld, or that of Manager.Get
}

// Check decides about a request without answering it, for handlers of other
// frameworks and for answers of one's own. It returns nil if the request may
// pass. ctx is what the handler passes to Manager.Get.
func Check[T any](ctx context.Context, m *session.Manager[T], g Guard, r Request) *Refusal {
	s, err := m.Get(ctx)
	switch {
	case err != nil:
		return unloaded(err)
	case s.Subject() == "":
		return g.refuse(r, ErrNotLoggedIn)
	case g.Within != 0 && time.Since(s.AuthenticatedAt()) > g.Within:
		return g.refuse(r, ErrLoginTooOld)
	}
	return nil
}

func unloaded(err error) *Refusal {
	refusal := &Refusal{session.HTTPStatus(err), http.Header{"Cache-Control": {"no-store"}}, err}
	if refusal.Status == http.StatusServiceUnavailable {
		refusal.Header.Set("Retry-After", "1")
	}
	return refusal
}

// refuse answers where a login would help.
func (g Guard) refuse(r Request, err error) *Refusal {
	refusal := &Refusal{http.StatusUnauthorized, http.Header{"Cache-Control": {"no-store"}}, err}
	if g.LoginURL != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		refusal.Header.Set("Vary", "Accept, Sec-Fetch-Mode")
		if r.navigates() {
			refusal.Status = http.StatusSeeOther
			refusal.Header.Set("Location", g.loginURL(r.Target))
			return refusal
		}
	}
	// RFC 9110, section 15.5.2, wants a challenge with each 401. No scheme is
	// registered for cookies; browsers ignore those that they do not know.
	challenge := "Cookie"
	if errors.Is(err, ErrLoginTooOld) {
		challenge += ` error="insufficient_user_authentication", max_age="` + strconv.Itoa(int(g.Within.Seconds())) + `"`
	}
	refusal.Header.Set("Www-Authenticate", challenge)
	return refusal
}

// navigates reports whether a browser would show the answer as a page. Browsers
// say so since 2023, and scripts cannot; before, only pages asked for HTML.
func (r Request) navigates() bool {
	if r.FetchMode != "" {
		return r.FetchMode == "navigate"
	}
	for mediaRange := range strings.SplitSeq(r.Accept, ",") {
		media, parameters, _ := strings.Cut(mediaRange, ";")
		if strings.EqualFold(strings.TrimSpace(media), "text/html") {
			return !unacceptable(parameters)
		}
	}
	return false
}

// unacceptable reports whether the parameters of a media range have a weight
// of zero (RFC 9110, section 12.4.2).
func unacceptable(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64); strings.EqualFold(strings.TrimSpace(name), "q") {
			return err == nil && weight == 0
		}
	}
	return false
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
	if refusal.Status == http.StatusSeeOther {
		w.WriteHeader(refusal.Status)
		return
	}
	http.Error(w, http.StatusText(refusal.Status), refusal.Status)
}
