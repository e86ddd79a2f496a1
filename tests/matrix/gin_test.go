package matrix

import (
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	"github.com/gostateful/session/core/adaptertest"
)

// onGin is a router of gin, with the sessions in a group, and in the context of gin.
// Its own tests begin a response in more ways.
func onGin(t *testing.T, s adaptertest.Server) string {
	r := gin.New()
	r.ContextWithFallback = true
	r.Use(gin.RecoveryWithWriter(io.Discard)) // the handlers of the suite panic
	group := r.Group("/")
	for _, manager := range s.Managers {
		group.Use(sessiongin.Middleware(manager, nil))
	}
	group.Any("/*path", func(c *gin.Context) {
		flush := http.NewResponseController(c.Writer).Flush
		s.Handler(adaptertest.Request{
			Context: c,
			Target:  c.Request.RequestURI,
			Header:  c.Header,
			Respond: func(status int, body string) { c.String(status, "%s", body) },
			Ways: map[string]func(body string){
				"Data":   func(body string) { c.Data(200, "text/plain", []byte(body)) },
				"Stream": func(body string) { c.Stream(func(w io.Writer) bool { _, _ = io.WriteString(w, body); return false }) },
			},
			Stream: func(parts func(send func(part string) error)) {
				parts(func(part string) error {
					if _, err := c.Writer.WriteString(part); err != nil {
						return err
					}
					return flush()
				})
			},
			Inform: func(status int) { c.Status(status); c.Writer.WriteHeaderNow() },
		})
	})
	return serve(t, s, r)
}
