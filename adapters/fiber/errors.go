package sessionfiber

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
)

// hide keeps the text of a session's error from the client. The text may hold the
// address of a store, and fiber's default ErrorHandler sends the text of every
// error. Status and header are those of [session.Error], unless the application
// chose a status.
func (x *exchange) hide(err error) error {
	added, ours := session.ErrorHeader(err)
	if !ours {
		return err
	}
	if x.response != nil { // otherwise it has been sent
		added.AddTo(fields{x})
	}
	if hidden, ok := err.(*refused); ok { // by a guard, or by the middleware of another manager
		return hidden
	}
	status := fiber.NewError(session.HTTPStatus(err))
	if chosen := (*fiber.Error)(nil); errors.As(err, &chosen) {
		status.Code, status.Message = chosen.Code, http.StatusText(chosen.Code)
		if _, ours := session.ErrorHeader(chosen); !ours {
			status.Message = chosen.Message
		}
	}
	return &refused{status, err}
}

// A refused looks like a fiber.Error to fiber. It wraps the reason, and does
// not show its text.
type refused struct {
	status *fiber.Error
	reason error
}

func (e *refused) Error() string { return e.status.Error() }

func (e *refused) Unwrap() error { return e.reason }

func (e *refused) As(target any) bool {
	status, ok := target.(**fiber.Error)
	if ok {
		*status = e.status
	}
	return ok
}
