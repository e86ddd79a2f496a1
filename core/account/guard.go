package account

import (
	"context"
	"errors"
	"net/http"
	"time"

	session "github.com/gostateful/session/core"
)

// RequireLogin returns a middleware that admits the requests that the guard
// accepts. Mount it inside the adapter's middleware of the manager. The page of
// an admitted request has Cache-Control: no-store, unless the handler sets
// something else.
//
// Other requests are sent to the login page with 303, or get 401 with a
// challenge of the scheme Cookie. If the login is too old, the challenge has
// the error code of RFC 9470, insufficient_user_authentication. A load failure
// is not a logout: the answer has the status of session.HTTPStatus, 503 for a
// store that is down. A request that lost its session to a login or a logout
// gets 409, and may be sent again.
//
// A client that asks for JSON, and is not a browser that opens a page, gets a
// problem of RFC 9457, application/problem+json. No cache may store any of
// these answers.
func RequireLogin[T any](m *session.Manager[T], g Guard) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refusal := Check(r.Context(), m, g, requestOf(r)); refusal != nil {
				refusal.answer(w)
				return
			}
			w.Header().Set("Cache-Control", "no-store")
			next.ServeHTTP(w, r)
		})
	}
}

// Check decides about a request without answering it, for handlers of other
// frameworks and for your own answers. It returns nil if the request may pass.
// ctx is what the handler passes to Manager.Get.
func Check[T any](ctx context.Context, m *session.Manager[T], g Guard, r Request) *Refusal {
	found, err := login(ctx, m, g.Peek)
	switch {
	case err != nil:
		return refuse(r, session.HTTPStatus(err), err)
	case found.subject == "":
		return g.refuse(r, ErrNotLoggedIn)
	case g.Within != 0 && time.Since(found.authenticated) > g.Within:
		return g.refuse(r, ErrLoginTooOld)
	case g.Bound && found.binding == session.Unbound:
		return g.refuse(r, ErrNotBound)
	}
	return nil
}

// A found login is what a guard looks at.
type found struct {
	subject       string // empty if nobody is logged in
	authenticated time.Time
	binding       session.Binding
}

// login returns who is logged in. The error is ErrSuperseded for a request that
// has lost its session: its sender may be logged in.
func login[T any](ctx context.Context, m *session.Manager[T], peek bool) (found, error) {
	if !peek {
		s, err := m.Get(ctx)
		if err != nil {
			return found{}, err
		}
		if s.Subject() != "" {
			return found{s.Subject(), s.AuthenticatedAt(), s.Binding()}, nil
		}
	}
	info, err := m.Peek(ctx)
	if errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrUndecodable) { // a visitor
		err = nil
	}
	return found{info.Subject, info.AuthenticatedAt, info.Binding}, err
}
