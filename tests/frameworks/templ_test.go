package frameworks_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/a-h/templ"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

func templPages(visits *session.Manager[Visit]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /visits", func(w http.ResponseWriter, r *http.Request) {
		s, err := visits.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		if err := s.Update(count); err != nil {
			session.Error(w, err)
			return
		}
		templ.Handler(page(s.Data())).ServeHTTP(w, r)
	})
	return nethttp.Middleware(visits, nil)(mux)
}

// page is what templ generates from page.templ.
func page(v Visit) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := fmt.Fprintf(w, "<p>visit %d</p>", v.N)
		return err
	})
}

func TestTempl(t *testing.T) {
	si := newSite(t)
	counts(t, si, templPages(si.Manager), get(t, "/visits"))
}
