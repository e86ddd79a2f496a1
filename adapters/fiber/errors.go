package sessionfiber

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
)

// hide keeps the text of a session's error from the client: it may hold the
// address of a store, and fiber's default ErrorHandler sends the text of every
// error. The status is that of the error, unless the application chose one.
func hide(err error) error {
	if err == nil || !strings.Contains(err.Error(), "session: ") {
		return err
	}
	status := session.HTTPStatus(err)
	if chosen := (*fiber.Error)(nil); errors.As(err, &chosen) {
		status = chosen.Code
	}
	return &refused{fiber.NewError(status), err}
}

// A refused is a fiber.Error to fiber, and wraps why, which its text keeps from
// the client.
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
