package main

import (
	_ "embed"
	"errors"
	"html/template"
	"io"
	"net/http"
	"time"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// render writes the page of a visitor.
func (p page) render(w io.Writer) error {
	p.Left = p.Left.Round(time.Second)
	return pageTemplate.Execute(w, struct {
		page
		Error string
	}{page: p})
}

// renderError writes the page that tells a visitor of an error. What is not
// theirs to know, such as the store's address, is not on it.
func renderError(w io.Writer, err error) error {
	text := http.StatusText(status(err))
	switch {
	case errors.Is(err, errInput):
		text = "Sorry, " + err.Error() + "."
	case status(err) == http.StatusConflict:
		text = "Something else happened to your session at the same moment. Please try again."
	case status(err) == http.StatusServiceUnavailable:
		text = "We cannot look up your session right now. Please try again in a moment."
	}
	return pageTemplate.Execute(w, struct {
		page
		Error string
	}{Error: text})
}
