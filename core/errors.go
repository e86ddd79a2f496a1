package session

import (
	"errors"
	"fmt"
	"net/http"
)

// What a Manager and a Session answer beyond the errors of a Store. Test with
// errors.Is.
var (
	// ErrNoSession: the context does not come from a request that passed the
	// adapter's middleware of this manager.
	ErrNoSession = errors.New("session: no session in this context: wrap the handler in the adapter's middleware for this manager, such as nethttp.Middleware(manager), and pass the request's context to Get")

	// ErrHeadersSent: the response has begun or the request is over, so no
	// cookie can reach the client any more.
	ErrHeadersSent = errors.New("session: the response has begun, and this change needs a cookie: make it before writing the response")

	// ErrSuperseded: the request carried a secret that a login or a renewal
	// has replaced. It reads nothing and changes nothing but by Login.
	ErrSuperseded = errors.New("session: the session was renewed while this request was on its way: send the request again, or log in")

	// ErrUnavailable: the store failed; whether a write took effect is unknown.
	ErrUnavailable = errors.New("session: store unavailable")

	// ErrTooLarge: the encoded data exceeds Options.MaxBytes.
	ErrTooLarge = errors.New("session: data too large")

	// ErrUndecodable: stored data cannot be read by this program.
	ErrUndecodable = errors.New("session: stored data cannot be decoded")
)

// HTTPStatus is the status that tells a client about an error of this package:
// 503 when the store failed, 409 when the request lost against another one and
// may be sent again, else 500.
func HTTPStatus(err error) int {
	switch {
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrUndecodable):
		return http.StatusInternalServerError // whatever Migrate wraps
	case errors.Is(err, ErrConflict), errors.Is(err, ErrSuperseded), errors.Is(err, ErrNotFound):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

// unavailable marks an error of the store as its failure.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}
