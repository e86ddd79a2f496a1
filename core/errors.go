package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// What a Store answers. Test with errors.Is.
var (
	ErrNotFound = errors.New("session: not found")
	ErrExists   = errors.New("session: id already exists")
	ErrConflict = errors.New("session: changed by another writer")
)

// What a Manager and a Session answer beyond the errors of a Store. Test with
// errors.Is.
var (
	// ErrNoSession: the context does not come from a request that passed the
	// adapter's middleware of this manager.
	ErrNoSession = errors.New("session: no session in this context: wrap the handler in the adapter's middleware for this manager, such as nethttp.Middleware(manager, nil), and pass the request's context to Get")

	// ErrHeadersSent: the response has begun or the request is over, so no
	// cookie can reach the client any more.
	ErrHeadersSent = errors.New("session: the response has begun, and this change needs a cookie: make it before writing the response")

	// ErrSuperseded: the request carried a secret that a login, a renewal or a
	// logout has ended. It reads nothing and changes nothing but by Login.
	ErrSuperseded = errors.New("session: the session was renewed or ended while this request was on its way: send the request again, or log in")

	// ErrUnavailable: the store failed; whether a write took effect is unknown.
	ErrUnavailable = errors.New("session: store unavailable")

	// ErrTooLarge: the encoded data exceeds Options.MaxBytes.
	ErrTooLarge = errors.New("session: data too large")

	// ErrUndecodable: stored data cannot be read by this program.
	ErrUndecodable = errors.New("session: stored data cannot be decoded")
)

var (
	errExpired = fmt.Errorf("%w: it has expired", ErrNotFound)
	errEnded   = fmt.Errorf("%w: the session ended while this request was handled", ErrNotFound)
	errTooLate = fmt.Errorf("%w: the session expired before it was changed: call Session.Touch in requests that take long, or raise IdleTimeout", ErrNotFound)

	errLateGet = fmt.Errorf("%w: the first Get of a request comes before the first byte of the response, or the response says Cache-Control: private; otherwise a shared cache could hand this page to others", ErrHeadersSent)

	errInsideUpdate = errors.New("session: called from inside an Update function, which may use nothing but its argument: call the session, and begin the response, after Update has returned")

	errCookieTwice = errors.New("session: two managers use one cookie name on this request, and would overwrite each other's sessions: give one of them another Options.Cookie.Name")

	errClientLeft = fmt.Errorf("session: the client left: %w", context.Canceled)

	errReused = fmt.Errorf("%w: its secret was replaced", ErrNotFound)

	errZeroID = errors.New("session: the zero ID names no session")
)

// statusClientClosedRequest is nginx's name and number for a client that left
// before the answer. Nobody sees it but the log.
const statusClientClosedRequest = 499

// HTTPStatus is the status that tells a client about an error of this package:
// 503 when the store failed, 409 when the request lost against another one and
// may be sent again, 499 when the client has left, else 500.
func HTTPStatus(err error) int {
	switch {
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrUndecodable):
		return http.StatusInternalServerError // whatever Migrate wraps
	case errors.Is(err, ErrConflict), errors.Is(err, ErrSuperseded), errors.Is(err, ErrNotFound):
		return http.StatusConflict
	case errors.Is(err, errClientLeft):
		return statusClientClosedRequest
	}
	return http.StatusInternalServerError
}

// isAbsent reports whether there is no session, and not one that cannot be read:
// a Migrate function may wrap anything.
func isAbsent(err error) bool {
	return errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUndecodable)
}

// unavailable marks an error of the store as its failure.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}

func undecodable(id ID, err error) error {
	return fmt.Errorf("%w: session %v: %w", ErrUndecodable, id, err)
}

// outOfTime is why a commit gives up when its time is over. doubt is the
// failure of a try that may have taken effect, if there was one.
func outOfTime(doubt error) error {
	if doubt != nil {
		return unavailable("write", doubt)
	}
	return fmt.Errorf("%w: others kept being faster for the time that a commit may take", ErrConflict)
}
