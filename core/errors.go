package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The errors of a [Store]. A [Manager] and a [Session] return them too. Test with
// [errors.Is].
var (
	// ErrNotFound: there is no such session, or it has ended or expired.
	ErrNotFound = errors.New("session: not found")

	// ErrExists: a record with this ID is stored already.
	ErrExists = errors.New("session: id already exists")

	// ErrConflict: another writer was faster. The change could not be made again
	// in time, or its Update function refused the newer data.
	ErrConflict = errors.New("session: changed by another writer")
)

// The other errors of a [Manager] and a [Session]. Test with [errors.Is].
var (
	// ErrNoSession: the context is not that of a request inside the adapter's
	// middleware for this manager, or the request is over.
	ErrNoSession = errors.New("session: no session in this context: wrap the handler in the adapter's middleware for this manager, such as nethttp.Middleware(manager, nil), and pass the request's context to Get")

	// ErrHeadersSent: the response has begun or the request is over. No cookie
	// can reach the client any more.
	ErrHeadersSent = errors.New("session: the response has begun, and this change needs a cookie: make it before writing the response")

	// ErrSuperseded: a login, a renewal or a logout has ended the secret of this
	// request, a straggler. It can only log in anew.
	ErrSuperseded = errors.New("session: the session was renewed or ended while this request was on its way: send the request again, or log in")

	// ErrUnavailable: the store failed. Whether a write took effect is unknown.
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

	errInsideUpdate = mistakef("session: called from inside an Update function, which may use nothing but its argument: call the session, and begin the response, after Update has returned")

	errNoRemember = mistakef("session: a login that asks to be remembered needs Options.Remember, which says for how long")

	errWatchOver = fmt.Errorf("%w: the session that was watched has ended", ErrNotFound)

	errWatchPassed = fmt.Errorf("%w: the session that was watched has passed to another subject", ErrSuperseded)

	errNoFunction = mistakef("session: Update, UpdateAll and Take need a function")

	errTakeBeside = mistakef("session: Take writes at once, and other changes of this request are pending: call Session.Commit before Take, or make them after it")

	errImportBeside = mistakef("session: Import gives the request another session, and changes of the present one are pending: call Import before them")

	errCarrierTwice = mistakef("session: two managers use one cookie name or header on this request, and would overwrite each other's sessions: give one of them another Options.Cookie.Name or Options.Header.Name")

	errClientLeft = mistakef("session: the client left: %w", context.Canceled)

	errReused = fmt.Errorf("%w: its secret was replaced", ErrNotFound)

	errOverdue = fmt.Errorf("%w: its secret is past the time of a bound session", ErrNotFound)

	errZeroID = mistakef("session: the zero ID names no session")
)

// statusClientClosedRequest is nginx's status for a client that left before the
// response. Only logs show it.
const statusClientClosedRequest = 499

// HTTPStatus returns the HTTP status for an error of this package:
//
//   - 503 for [ErrUnavailable];
//   - 409 for [ErrConflict], [ErrSuperseded] and [ErrNotFound]: the request lost
//     its session or a race, and may be sent again;
//   - 499 if the client has left, which only logs show;
//   - 500 for all else.
func HTTPStatus(err error) int {
	switch {
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrUndecodable):
		return http.StatusInternalServerError // even if Migrate wrapped one of the errors below
	case errors.Is(err, ErrConflict), errors.Is(err, ErrSuperseded), errors.Is(err, ErrNotFound):
		return http.StatusConflict
	case errors.Is(err, errClientLeft):
		return statusClientClosedRequest
	}
	return http.StatusInternalServerError
}

// Error answers a request with an error of this package, for handlers that have
// no better page. It sends the status of [HTTPStatus] and its text, with
// no-store, and with Retry-After for 409 and 503. The client does not see err.
// Return after it:
//
//	s, err := sessions.Get(r.Context())
//	if err != nil {
//		session.Error(w, err)
//		return
//	}
func Error(w http.ResponseWriter, err error) {
	status := HTTPStatus(err)
	h := errorHeader(err)
	h.AddTo(w.Header())
	text := http.StatusText(status)
	if status == statusClientClosedRequest {
		text = "Client Closed Request"
	}
	http.Error(w, text, status)
}

// ErrorHeader is [Error] for adapters to frameworks whose handlers return
// errors. It returns what the response to such an error adds to its header. ok
// reports whether err is an error of this package, wraps one, or has the text
// of one. The client must not see such an error.
func ErrorHeader(err error) (h Header, ok bool) {
	if err == nil || !ours(err) {
		return Header{}, false
	}
	return errorHeader(err), true
}

// errorHeader is the header of a handler's answer. For ErrSuperseded the commit of
// that answer says when to come again, as it knows when.
func errorHeader(err error) Header {
	h := failed(err, time.Time{}, "Cookie")
	if errors.Is(err, ErrSuperseded) {
		h.RetryAfter = ""
	}
	return h
}

// A mistake is an error of this package that has no name of its own: callers cannot
// go on after it, and so need not test for it.
type mistake struct{ error }

func (m *mistake) Unwrap() error { return m.error }

// mistakef is [fmt.Errorf] for a mistake.
func mistakef(format string, args ...any) error { return &mistake{fmt.Errorf(format, args...)} }

// ours reports whether an error is one of this package. A text is enough if it may
// name a store: the application may have kept nothing else of the error.
func ours(err error) bool {
	for _, known := range []error{
		ErrNotFound, ErrExists, ErrConflict, ErrNoSession, ErrHeadersSent, ErrSuperseded, ErrUnavailable, ErrTooLarge, ErrUndecodable,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	if m := (*mistake)(nil); errors.As(err, &m) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, ErrUnavailable.Error()) || strings.Contains(text, ErrUndecodable.Error())
}

// isAbsent reports whether there is no session. A session that cannot be read
// exists, even if Migrate wrapped ErrNotFound.
func isAbsent(err error) bool {
	return errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUndecodable)
}

// unavailable makes an error of the store an ErrUnavailable.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}

func undecodable(id ID, err error) error {
	return fmt.Errorf("%w: session %v: %w", ErrUndecodable, id, brief{err})
}

// A brief error says no more of its reason than fits into a line of a log. A decoder
// may quote the data.
type brief struct{ error }

const maxReason = 500 // bytes

func (b brief) Error() string {
	text := b.error.Error()
	if len(text) <= maxReason {
		return text
	}
	return strings.ToValidUTF8(text[:maxReason], "") + "..."
}

func (b brief) Unwrap() error { return b.error }

// outOfTime is the error of a commit whose time is over. doubt is the failure of a
// write that may have taken effect, if any.
func outOfTime(doubt error) error {
	if doubt != nil {
		return unavailable("write", doubt)
	}
	return fmt.Errorf("%w: others kept being faster for the time that a commit may take", ErrConflict)
}
