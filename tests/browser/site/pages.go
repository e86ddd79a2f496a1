package site

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed *.html
var files embed.FS

var pages = template.Must(template.ParseFS(files, "*.html"))

func shown(status int, page *template.Template, data any) answer {
	var html strings.Builder
	if err := page.Execute(&html, data); err != nil {
		return answer{status: http.StatusInternalServerError, html: err.Error()}
	}
	return answer{status: status, html: html.String()}
}
