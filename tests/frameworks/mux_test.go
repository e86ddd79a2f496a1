package frameworks_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gorilla/mux"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

func gorillaMux(visits *session.Manager[Visit]) http.Handler {
	r := mux.NewRouter()
	r.Use(nethttp.Middleware(visits, &nethttp.Options{Route: func(r *http.Request) string {
		path, _ := mux.CurrentRoute(r).GetPathTemplate()
		return r.Method + " " + path
	}}))
	r.HandleFunc("/visits/{of}", func(w http.ResponseWriter, r *http.Request) {
		s, err := visits.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		if err := s.Update(count); err != nil {
			session.Error(w, err)
			return
		}
		fmt.Fprintln(w, "visit", s.Data().N, "of", mux.Vars(r)["of"])
	})
	return r
}

func TestGorillaMux(t *testing.T) {
	si := newSite(t)
	counts(t, si, gorillaMux(si.Manager), get(t, "/visits/ann"))
}
