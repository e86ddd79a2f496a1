package sessionecho_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// TestAllocations bounds what the middleware costs a request that does not use its
// session.
func TestAllocations(t *testing.T) {
	m, err := session.New[struct{}](adaptertest.NewStore(), nil)
	if err != nil {
		t.Fatal(err)
	}
	allocs := func(middlewares ...echo.MiddlewareFunc) float64 {
		e := echo.New()
		e.Use(middlewares...)
		e.GET("/", func(c *echo.Context) error { return c.NoContent(http.StatusOK) })
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		least := 1e9
		for range 300 { // a garbage collection, or the race detector, empties pools
			least = min(least, testing.AllocsPerRun(1, func() {
				clear(w.Header())
				e.ServeHTTP(w, r)
			}))
		}
		return least
	}
	if got := allocs(sessionecho.Middleware(m)) - allocs(); got > 1 {
		t.Errorf("a request that does not use its session costs %v allocations more than the bare handler, want 1 at most", got)
	}
}
