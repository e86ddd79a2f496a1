// Package moving is the code that docs/moving.md shows. Its tests run it against the
// libraries that it moves from.
package moving

import (
	"context"
	"fmt"
	"time"

	session "github.com/gostateful/session/core"
)

// An Account is the data of the new sessions.
type Account struct {
	Items []string `json:"items,omitempty"`
	Alone bool     `json:"alone,omitempty"` // has parted from the old session, or had none
}

// Old is what a request shows of its session in the old library.
type Old struct {
	Cookie bool                  // the request has the old cookie
	Secret string                // the token or the random id of the session, if it lives
	Info   session.Info[Account] // the user, the time of the login if known, and the data
	End    func() error          // ends the session, and removes the cookie
}

// Move holds what all requests share.
type Move struct {
	Sessions *session.Manager[Account]

	// SignedOut returns when a user last signed out everywhere or changed the password,
	// or zero. Old sessions from before that are no longer moved.
	SignedOut func(ctx context.Context, user string) (time.Time, error)

	// Window is Options.StragglerWindow: how long a request may be on its way.
	Window time.Duration
}

// Together gives a request its session while old servers run. The old session says
// who is logged in.
func (m *Move) Together(ctx context.Context, old Old) (*session.Session[Account], error) {
	s, err := m.Sessions.Get(ctx)
	switch {
	case err != nil, s.Data().Alone, !s.IsNew() && s.Subject() == old.Info.Subject:
		return s, err
	case old.Secret != "":
		return m.bring(ctx, old)
	case s.Subject() != "": // an old server has logged the user out
		return s, s.Destroy()
	}
	return s, nil
}

// NowAlone gives a request its session when no old server runs any more. A session
// then parts from its old one, which ends.
func (m *Move) NowAlone(ctx context.Context, old Old) (*session.Session[Account], error) {
	s, err := m.Sessions.Get(ctx)
	if err != nil {
		return s, err
	}
	came := s.ID()
	s, err = m.Together(ctx, old)
	switch {
	case err != nil, !old.Cookie, s.IsNew() && old.Secret != "":
		return s, err
	case !s.IsNew() && s.ID() != came:
		return s, nil // the browser may not get the new cookie
	case !s.IsNew() && time.Since(s.CreatedAt()) < m.Window:
		return s, nil // requests with the old cookie alone may be on their way
	case !s.IsNew():
		if err := s.Update(func(a *Account) error { a.Alone = true; return nil }); err != nil {
			return s, err
		}
		if err := s.Commit(ctx); err != nil {
			return s, err
		}
	}
	return s, unavailable(old.End())
}

// A Follow is what a release does with each request: Together or NowAlone.
type Follow func(ctx context.Context, old Old) (*session.Session[Account], error)

// LoginAlone logs in when no old server runs any more.
func (m *Move) LoginAlone(ctx context.Context, user string) error {
	s, err := m.Sessions.Get(ctx)
	if err != nil {
		return err
	}
	if err := s.Login(user, nil); err != nil {
		return err
	}
	return s.Update(func(a *Account) error { a.Alone = true; return nil })
}

// bring continues an old session, unless its login is out of date.
func (m *Move) bring(ctx context.Context, old Old) (*session.Session[Account], error) {
	if user := old.Info.Subject; user != "" {
		end, err := m.SignedOut(ctx, user)
		if err != nil {
			return nil, unavailable(err)
		}
		if !end.IsZero() && !old.Info.AuthenticatedAt.After(end) {
			old.Info = session.Info[Account]{} // a visitor without a session
		}
	}
	return m.Sessions.Import(ctx, old.Secret, old.Info)
}

// unavailable makes a failure of the old store, or of your users' database, a 503.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", session.ErrUnavailable, err)
}
