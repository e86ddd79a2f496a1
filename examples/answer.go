package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	session "github.com/gostateful/session/core"
)

// A request is what the site needs to know of one.
type request struct {
	method, host, target string
	header, field        func(name string) string
}

func (r *request) path() string {
	path, _, _ := strings.Cut(r.target, "?")
	return path
}

// page is where to go back to after a login: forms are not sent again.
func (r *request) page() string {
	if r.method != http.MethodPost || r.path() == "/account/password" {
		return r.target
	}
	return "/" + strings.Split(r.path(), "/")[1]
}

// checkOrigin refuses forms on other sites. A cookie alone does not tell a
// visitor's own POST from one that another site made their browser send.
func (r *request) checkOrigin() error {
	return http.NewCrossOriginProtection().Check(&http.Request{
		Method: r.method,
		Host:   r.host,
		URL:    &url.URL{Path: r.path()},
		Header: http.Header{"Origin": {r.header("Origin")}, "Sec-Fetch-Site": {r.header("Sec-Fetch-Site")}},
	})
}

// An answer is what goes back.
type answer struct {
	status int
	header http.Header
	body   []byte

	// stream, if set, sends the body bit by bit, until ctx is done or send fails.
	stream func(ctx context.Context, send func(text string) error)
}

func newAnswer(status int, contentType string, body []byte) answer {
	return answer{status: status, body: body, header: http.Header{
		"Cache-Control": {"no-store"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		"Content-Type":           {contentType},
		"Referrer-Policy":        {"same-origin"},
		"X-Content-Type-Options": {"nosniff"},
	}}
}

// redirect sends the browser to a page, so that reloading it repeats no POST. The
// session is stored before this leaves.
func redirect(to string) answer {
	a := newAnswer(http.StatusSeeOther, "text/plain; charset=utf-8", nil)
	a.header.Set("Location", to)
	return a
}

//go:embed pages static
var files embed.FS

// asset serves a file.
func asset(name, contentType string) handler {
	return func(context.Context, *request) (answer, error) {
		body, err := files.ReadFile("static/" + name)
		a := newAnswer(http.StatusOK, contentType, body)
		a.header.Set("Cache-Control", "no-cache")
		return a, err
	}
}

// A view is what a page shows.
type view struct {
	Title string
	Path  string
	User  string
	Note  string // left by the page before
	Live  bool   // whether the page follows its session
	About string
	Data  any
}

var templates = template.Must(template.New("").Funcs(template.FuncMap{"left": left, "ago": ago}).ParseFS(files, "pages/*.html"))

// render renders before anything is written, so that a failure can still be a 500.
func (s *site) render(status int, page string, v view) answer {
	v.About = s.about
	var b bytes.Buffer
	for _, part := range []string{"head", page, "foot"} {
		if err := templates.ExecuteTemplate(&b, part, v); err != nil {
			slog.Error("page", "name", page, "error", err)
			return newAnswer(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("Something went wrong."))
		}
	}
	return newAnswer(status, "text/html; charset=utf-8", b.Bytes())
}

// show renders a page for a visitor, with the note that the page before has left.
func (s *site) show(ctx context.Context, v *visit, r *request, page, title string, data any) (answer, error) {
	note := v.Data().Note
	if note != "" {
		var err error
		if note, err = session.Take(ctx, v, func(d *visitor) string { note := d.Note; d.Note = ""; return note }); err != nil {
			return answer{}, err
		}
	}
	return s.render(http.StatusOK, page, view{
		Title: title, Path: r.page(), User: v.Subject(), Note: note, Live: !v.IsNew(), Data: data,
	}), nil
}

// A problem is an error that the visitor is told of.
type problem struct {
	status int
	text   string
}

func (p problem) Error() string { return p.text }

// A failure is what the error page shows.
type failure struct {
	Status  int
	Text    string
	Stopped bool // the store, by the page of proofs
}

// describe returns the status of an error, and a text for the visitor.
func describe(err error) (status int, text string) {
	if p, ok := errors.AsType[problem](err); ok {
		return p.status, p.text
	}
	switch status = session.HTTPStatus(err); status {
	case http.StatusConflict:
		return status, "Something else happened to your session at the same moment. Load the page and try again."
	case http.StatusServiceUnavailable:
		return status, "Your session cannot be looked up right now. It is not lost. Try again in a moment."
	}
	return status, "Something went wrong here. It is not your fault."
}
