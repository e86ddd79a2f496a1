package nethttp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
)

// tells is a writer that tells whether the response has begun, as those of some
// frameworks do.
type tells struct {
	http.ResponseWriter
	begun bool
}

func (w *tells) Written() bool { return w.begun }

func (w *tells) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// TestPassedBy: if a handler writes past the middleware, and the response so
// lacks its cookie or loses a change, a panic says what to do.
func TestPassedBy(t *testing.T) {
	for name, test := range map[string]struct {
		past, change, lose, panics bool
	}{
		"Unused":     {past: true},
		"New":        {past: true, change: true, panics: true},
		"Lost":       {past: true, change: true, lose: true, panics: true},
		"Right":      {change: true},
		"RightLost":  {change: true, lose: true},
		"RightEmpty": {},
	} {
		t.Run(name, func(t *testing.T) {
			shop := newShop(t)
			outer := &tells{ResponseWriter: httptest.NewRecorder()}
			h := nethttp.Middleware(shop.Manager, nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.change {
					shop.update(t, r)
				}
				if test.lose {
					shop.store.Lose()
				}
				if test.past {
					w = outer
				}
				io.WriteString(w, "hello")
			}))
			defer func() {
				reason, _ := recover().(error)
				if got := reason != nil && strings.Contains(reason.Error(), "adapter"); got != test.panics {
					t.Errorf("the middleware panicked with %v, want a panic that says what to do: %t", reason, test.panics)
				}
			}()
			h.ServeHTTP(outer, httptest.NewRequest("GET", "/", nil))
		})
	}
}
