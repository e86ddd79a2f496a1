package sessionecho

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v5"

	session "github.com/gostateful/session/core"
)

// hide turns an error of a session into one of echo, without the text of its
// reason. That text may hold the address of a store, and an HTTPErrorHandler
// may send the text of every error. Status and header are those of
// [session.Error], unless the application chose a status. Other errors go on
// unchanged.
func hide(err error, header http.Header) error {
	added, ours := session.ErrorHeader(err)
	if !ours {
		return err
	}
	added.AddTo(header)
	status := session.HTTPStatus(err)
	shown := echo.NewHTTPError(status, http.StatusText(status))
	if chosen, ok := errors.AsType[*echo.HTTPError](err); ok {
		shown.Code, shown.Message = chosen.Code, chosen.Message
		if _, tells := session.ErrorHeader(errors.New(chosen.Message)); tells {
			shown.Message = http.StatusText(chosen.Code)
		}
	} else if echo.StatusCode(err) != 0 { // an error of the application says what to send
		return err
	}
	return shown.Wrap(reason{err})
}

// A reason wraps the error of a session, and does not show its text.
type reason struct{ err error }

func (r reason) Error() string { return "the reason is not shown here; errors.Unwrap returns it" }

func (r reason) Unwrap() error { return r.err }
