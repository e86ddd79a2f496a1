package sessiongin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// RequireLogin returns a middleware that admits the requests that the guard
// accepts. It is [account.RequireLogin], for groups and routes after
// [Middleware]. After a refusal no other handler runs.
func RequireLogin[T any](m *session.Manager[T], g account.Guard) gin.HandlerFunc {
	guarded := account.RequireLogin(m, g)
	return func(c *gin.Context) {
		admitted := false
		guarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			admitted = true
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !admitted {
			c.Abort()
		}
	}
}
