package matrix

import (
	"testing"

	"github.com/go-chi/chi/v5"

	sessionchi "github.com/gostateful/session/adapters/chi"
	"github.com/gostateful/session/core/adaptertest"
)

// onChi is a router of chi, with the sessions in a router within it. Its own
// tests put chi's middleware around them.
func onChi(t *testing.T, s adaptertest.Server) string {
	inner := chi.NewRouter()
	for _, manager := range s.Managers {
		inner.Use(sessionchi.Middleware(manager, nil))
	}
	inner.Handle("/*", handle(s))
	router := chi.NewRouter()
	router.Mount("/", inner)
	return serve(t, s, router)
}
