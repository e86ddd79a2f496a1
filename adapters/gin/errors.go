package sessiongin

import (
	"cmp"
	"net/http"

	"github.com/gin-gonic/gin"

	session "github.com/gostateful/session/core"
)

// hide keeps the text of a session's error from the client. The text may hold
// the address of a store, and some applications have a middleware that sends
// the text of c.Errors.
func (x *exchange) hide(all []*gin.Error) {
	for _, e := range all {
		added, ours := session.ErrorHeader(e.Err)
		if !ours {
			continue
		}
		if _, done := e.Err.(refused); !done {
			e.Err = hidden(e.Err)
		}
		if !x.Written() {
			added.AddTo(x.Header())
		}
	}
}

// A refused is an error with the text of a status. It wraps the reason.
type refused struct{ reason error }

func hidden(err error) error { return refused{err} }

func (e refused) Error() string {
	return cmp.Or(http.StatusText(session.HTTPStatus(e.reason)), "Client Closed Request")
}

func (e refused) Unwrap() error { return e.reason }
