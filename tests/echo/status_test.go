package sessionecho_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
)

// TestInformFlagged: echo takes each status for the last, and so a 103 that a handler
// writes to its response. A commit that fails after it is no success all the same.
func TestInformFlagged(t *testing.T) {
	si, e := newSite(t, nil), newEcho()
	e.Use(sessionecho.Middleware(si.Manager))
	e.GET("/", func(c *echo.Context) error {
		si.counted(t, c)
		c.Response().WriteHeader(http.StatusEarlyHints)
		si.store.Lose()
		return hello(c)
	})
	server := httptest.NewServer(e)
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 503 || strings.Contains(string(body), "hello") || len(resp.Cookies()) != 0 {
		t.Errorf("got status %d, body %q, %v, want 503", resp.StatusCode, body, err)
	}
}

// TestStatuses: what of a 1xx is sent, and which commits.
func TestStatuses(t *testing.T) {
	for name, test := range map[string]struct {
		respond func(si site, w http.ResponseWriter) // w is beneath echo's response
		sent    []int
		kept    int
	}{
		"Informs":           {func(_ site, w http.ResponseWriter) { w.WriteHeader(103) }, []int{103}, 0},
		"SwitchesProtocols": {func(_ site, w http.ResponseWriter) { w.WriteHeader(101) }, []int{101}, 1},
		"Responds":          {func(_ site, w http.ResponseWriter) { w.WriteHeader(200) }, []int{200}, 1},
		"InformsTooLate": {func(si site, w http.ResponseWriter) {
			si.store.Lose()
			w.WriteHeader(200)
			w.WriteHeader(103)
		}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			si, e := newSite(t, nil), newEcho()
			var sent []int
			e.Use(sessionecho.Middleware(si.Manager))
			e.GET("/", si.counting(t, func(c *echo.Context) error {
				test.respond(si, beneath(c.Response()))
				if got := si.store.Len(); !slices.Equal(sent, test.sent) || got != test.kept {
					t.Errorf("the handler has sent %d, and %d sessions are stored, want %d and %d", sent, got, test.sent, test.kept)
				}
				return nil
			}))
			e.ServeHTTP(statusWatcher{httptest.NewRecorder(), &sent}, httptest.NewRequest("GET", "/", nil))
		})
	}
}

// A statusWatcher keeps the statuses that are sent.
type statusWatcher struct {
	http.ResponseWriter
	sent *[]int
}

func (w statusWatcher) WriteHeader(status int) { *w.sent = append(*w.sent, status) }
