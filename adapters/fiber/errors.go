package sessionfiber

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v3"

	session "github.com/gostateful/session/core"
)

// hide keeps the text of a session's error from the client. The text may hold the
// address of a store, and fiber's default ErrorHandler sends the text of every
// error. The status is that of [session.HTTPStatus], unless the application chose
// one.
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

// A refused looks like a fiber.Error to fiber. It wraps the reason, which its text
// does not show.
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
