package sessiongin_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
)

// abilities are what a handler can find that its writer can do.
var abilities = map[string]func(w http.ResponseWriter) bool{
	"Flusher":       has[http.Flusher],
	"Hijacker":      has[http.Hijacker],
	"ReaderFrom":    has[io.ReaderFrom],
	"StringWriter":  has[io.StringWriter],
	"CloseNotifier": has[interface{ CloseNotify() <-chan bool }], // deprecated in net/http, and part of gin's
	"Pusher":        func(w http.ResponseWriter) bool { return w.(gin.ResponseWriter).Pusher() != nil },

	"SetReadDeadline":  by(func(c *http.ResponseController) error { return c.SetReadDeadline(time.Time{}) }),
	"SetWriteDeadline": by(func(c *http.ResponseController) error { return c.SetWriteDeadline(time.Time{}) }),
	"EnableFullDuplex": by((*http.ResponseController).EnableFullDuplex),
	"Flush":            by((*http.ResponseController).Flush),
}

func has[T any](w http.ResponseWriter) bool {
	_, ok := w.(T)
	return ok
}

func by(call func(*http.ResponseController) error) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		return !errors.Is(call(http.NewResponseController(w)), http.ErrNotSupported)
	}
}

// TestGinsWriter: the writer can do what gin's own can, no less and no more.
func TestGinsWriter(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			found := make(chan []string, 1)
			r := gin.New()
			look := func(c *gin.Context) {
				if c.Request.Proto != proto {
					t.Errorf("got a request of %s, want %s", c.Request.Proto, proto)
				}
				var names []string
				for name, can := range abilities {
					if can(c.Writer) {
						names = append(names, name)
					}
				}
				slices.Sort(names)
				found <- names
			}
			r.GET("/bare", look)
			r.GET("/wrapped", sessiongin.Middleware(newSite(t, nil).Manager, nil), look)
			var protocols http.Protocols
			protocols.SetHTTP1(proto == "HTTP/1.1")
			protocols.SetUnencryptedHTTP2(proto == "HTTP/2.0")
			at := unstarted(t, r)
			at.server.Config.Protocols = &protocols
			at.server.Start()
			transport := &http.Transport{Protocols: &protocols}
			defer transport.CloseIdleConnections()
			visit := func(path string) []string {
				resp, err := (&http.Client{Transport: transport}).Get(at.server.URL + path)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				return <-found
			}
			bare, wrapped := visit("/bare"), visit("/wrapped")
			if !slices.Equal(wrapped, bare) {
				t.Errorf("the writer of the middleware can %q, want what gin's can: %q", wrapped, bare)
			}
			if push := slices.Contains(bare, "Pusher"); push != (proto == "HTTP/2.0") || !slices.Contains(bare, "SetWriteDeadline") {
				t.Errorf("gin's own writer can %q: the test looks wrongly", bare)
			}
		})
	}
}
