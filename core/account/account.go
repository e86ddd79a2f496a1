// Package account is for applications with users who log in: a guard for the
// routes that want a login, or a recent one, and a handler for "your devices",
// the list of one's own sessions.
//
// Both are built on net/http and find the session by Manager.Get in the
// request's context. So they work behind every adapter whose handlers are
// those of net/http, and in other frameworks where these can be mounted;
// [Check] decides about the requests of any framework.
package account

import (
	"errors"
	"time"
)

// A Guard says which sessions may pass, and what happens to the others. The
// zero value admits everybody who is logged in, and answers 401 to others.
type Guard struct {
	// LoginURL is where the visitor of a page is sent who has to log in first,
	// with the parameter next, the path and query of the page: "/login" is sent
	// to as "/login?next=%2Forders". Login pages use Next to read it. Whoever is
	// sent there because of Within is logged in still, and the page has to ask
	// them all the same.
	//
	// A page is what a browser navigates to with GET or HEAD. All other requests
	// get 401, as they do if LoginURL is empty: a script cannot use a login page,
	// and the form in a POST would be lost on the way.
	LoginURL string

	// Within is how long ago the login may be at most, by
	// Session.AuthenticatedAt, as sensitive routes demand (OWASP ASVS 5.0,
	// 7.5.1 and 7.5.3). Zero means that any login will do. Session.Login renews
	// it, also for who is logged in.
	Within time.Duration

	// Bound demands a session that is bound to the device of its browser, or whose
	// login is so recent that it may yet be: see session.Device. A copy of the cookie
	// then opens the route for Device.Interval at most. Whoever has a browser that
	// cannot be bound is asked to log in again after that time. It is experimental.
	Bound bool

	// Peek is for routes that a page polls by itself: such a request does not
	// count as use, and so does not keep the session alive. Manager.Get in the
	// handler would count, so let it call Manager.Peek.
	Peek bool
}

// Why a guard refuses a session that could be loaded.
var (
	// ErrNotLoggedIn: nobody is logged in.
	ErrNotLoggedIn = errors.New("account: not logged in")

	// ErrLoginTooOld: the login is longer ago than Guard.Within.
	ErrLoginTooOld = errors.New("account: the login is too long ago: log in again")

	// ErrNotBound: the session is not bound to a device, and Guard.Bound demands it.
	ErrNotBound = errors.New("account: the session is not bound to a device: log in again")
)
