// Package account is for applications with users who log in. [RequireLogin]
// guards routes that need a login, or a recent one. [Devices] is a handler for
// "your devices", the list of a user's own sessions.
//
// Both are built on net/http and get the session by [session.Manager.Get] from
// the request's context. So they work with every adapter whose handlers are
// those of net/http, and in other frameworks that can mount such handlers.
// [Check] decides about the requests of any framework.
package account

import (
	"errors"
	"time"
)

// A Guard says which sessions it admits, and what happens to the others. The
// zero value admits everybody who is logged in, and answers 401 to others.
type Guard struct {
	// LoginURL is the login page. A visitor of a page who has to log in is sent
	// there, with the path and query of the page in the parameter next: "/login"
	// becomes "/login?next=%2Forders". Login pages read it with [Next]. A visitor
	// who is sent there because of Within is still logged in, and the login page
	// must still ask for the password.
	//
	// A page is what a browser navigates to with GET or HEAD. All other requests
	// get 401, because a script cannot use a login page, and the form in a POST
	// would be lost. If LoginURL is empty, pages get 401 too.
	LoginURL string

	// Within is the maximum age of the login, by Session.AuthenticatedAt. Sensitive
	// routes need it (OWASP ASVS 5.0, 7.5.1 and 7.5.3). Zero means that any login
	// will do. Session.Login renews it, also for somebody who is logged in.
	Within time.Duration

	// Bound demands a session that is bound to the device of its browser, or whose
	// login is so recent that it may still be bound: see session.Device. A copy of
	// the cookie then opens the route for Device.Interval at most. A user whose
	// browser cannot be bound has to log in again after that time. It is
	// experimental.
	Bound bool

	// Peek is for routes that a page polls by itself: such a request does not count
	// as a use, so it does not keep the session alive. The handler must call
	// Manager.Peek too, because Manager.Get counts as a use.
	Peek bool
}

// The reasons for which a guard refuses a session that could be loaded.
var (
	// ErrNotLoggedIn: nobody is logged in.
	ErrNotLoggedIn = errors.New("account: not logged in")

	// ErrLoginTooOld: the login is longer ago than Guard.Within.
	ErrLoginTooOld = errors.New("account: the login is too long ago: log in again")

	// ErrNotBound: the session is not bound to a device, and Guard.Bound demands it.
	ErrNotBound = errors.New("account: the session is not bound to a device: log in again")
)
