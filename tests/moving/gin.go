package moving

import (
	"github.com/gin-gonic/gin"

	session "github.com/gostateful/session/core"
)

// FromGin moves the sessions of gin-contrib/sessions, which are those of
// gorilla/sessions. Ask its Store, not sessions.Default, which only logs an outage and
// treats the user as a visitor.
type FromGin struct{ FromGorilla }

// Middleware is for the first release with f.Together, and for the second with
// f.NowAlone. It runs inside the adapter's middleware.
func (f *FromGin) Middleware(follow Follow) gin.HandlerFunc {
	return func(c *gin.Context) {
		old, err := f.old(c.Writer, c.Request)
		if err != nil {
			session.Error(c.Writer, err)
			c.Abort()
			return
		}
		if _, err := follow(c, old); err != nil {
			session.Error(c.Writer, err)
			c.Abort()
		}
	}
}
