package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// A visitor is what the site keeps in a session.
type visitor struct {
	Cart   []line `json:"cart"`
	Note   string `json:"note"`   // for the next page
	Device string `json:"device"` // from which the visitor signed in
	Count  int    `json:"count"`  // of the proofs
}

// A visit is the session of a request.
type visit = session.Session[visitor]

// A site answers visitors. It knows neither the store nor the HTTP framework.
type site struct {
	sessions *session.Manager[visitor]
	users    users
	store    *switched
	events   *events
	holds    holds
	binds    bool            // sessions to devices
	closing  context.Context // ends the streams
	about    string          // the adapter and the store, for the pages
	address  string          // where the proofs find the site
}

const (
	idleTimeout = 30 * time.Minute
	lifetime    = 8 * time.Hour
)

// remembered are the clocks of "keep me signed in".
var remembered = session.Clocks{IdleTimeout: 14 * 24 * time.Hour, Lifetime: 90 * 24 * time.Hour}

// devicePath is where browsers bind sessions to their device.
const devicePath = "/device"

// newOptions are those of the site's manager.
func newOptions(seen *events) *session.Options {
	return &session.Options{IdleTimeout: idleTimeout, Lifetime: lifetime, Remember: remembered, Observer: seen.add}
}

// A handler answers a request, or fails.
type handler func(ctx context.Context, r *request) (answer, error)

// A route is a method and a path that the site answers. A nil guard admits everybody.
type route struct {
	method, path string
	guard        *account.Guard
	do           handler
}

// routes are all that the site answers.
func (s *site) routes() []route {
	anyLogin := &account.Guard{}
	recent := &account.Guard{Within: time.Minute} // so short to show it: 15 minutes suit most
	return []route{
		{"GET", "/", nil, s.with(s.shop)},
		{"POST", "/cart/add", nil, s.with(s.add)},
		{"POST", "/cart/less", nil, s.with(s.less)},
		{"POST", "/cart/remove", nil, s.with(s.remove)},
		{"GET", "/live", nil, s.live},

		{"GET", "/login", nil, s.signingIn(s.loginPage)},
		{"POST", "/login", nil, s.signingIn(s.login)},
		{"POST", "/logout", nil, s.with(s.logout)},

		{"GET", "/account", anyLogin, s.with(s.accountPage)},
		{"POST", "/account/end", anyLogin, s.with(s.endDevice)},
		{"POST", "/account/others", anyLogin, s.with(s.endOthers)},
		{"POST", "/account/everywhere", anyLogin, s.with(s.endEverywhere)},
		{"GET", "/account/password", recent, s.with(s.passwordPage)},
		{"POST", "/account/password", recent, s.with(s.changePassword)},

		{"GET", "/binding", nil, s.with(s.bindingPage)},
		{"POST", devicePath, nil, s.device},

		{"GET", "/admin", anyLogin, s.forAdmin(s.adminPage)},
		{"POST", "/admin/end", anyLogin, s.forAdmin(s.endSession)},
		{"POST", "/admin/end-all", anyLogin, s.forAdmin(s.endUser)},
		{"POST", "/admin/note", anyLogin, s.forAdmin(s.noteUser)},

		{"GET", "/proofs", nil, s.with(s.proofsPage)},
		{"POST", "/proofs", nil, s.with(s.runProof)},
		{"POST", "/proofs/stop", nil, s.stopStore},
		{"POST", "/proofs/start", nil, s.startStore},
		{"POST", "/proofs/count", nil, s.with(s.count)},
		{"POST", "/proofs/look", nil, s.with(s.look)},

		{"GET", "/style.css", nil, asset("style.css", "text/css; charset=utf-8")},
		{"GET", "/script.js", nil, asset("script.js", "text/javascript; charset=utf-8")},
	}
}

// An action is what is done with the session of a request.
type action func(context.Context, *visit, *request) (answer, error)

// with makes a handler of an action.
func (s *site) with(do action) handler {
	return func(ctx context.Context, r *request) (answer, error) {
		v, err := s.sessions.Get(ctx)
		if err != nil {
			return answer{}, err
		}
		return do.try(ctx, v, r)
	}
}

// signingIn is with for the pages that sign visitors in. Beside an error Get may return
// a session that can do nothing else: one that cannot be read, or one whose device
// could not refresh its cookie.
func (s *site) signingIn(do action) handler {
	return func(ctx context.Context, r *request) (answer, error) {
		v, err := s.sessions.Get(ctx)
		if v == nil {
			return answer{}, err
		}
		return do.try(ctx, v, r)
	}
}

// try drops what was changed before an error: an error page stores nothing.
func (do action) try(ctx context.Context, v *visit, r *request) (answer, error) {
	a, err := do(ctx, v, r)
	if err != nil {
		v.Discard()
	}
	return a, err
}

// serve answers a request, whatever happens.
func (s *site) serve(ctx context.Context, rt route, r *request) answer {
	if err := r.checkOrigin(); err != nil {
		return s.fail(r, problem{http.StatusForbidden, "This request came from another site, so nothing was done."})
	}
	if rt.guard != nil {
		refusal := account.Check(ctx, s.sessions, *rt.guard, account.Request{})
		switch {
		case refusal == nil:
		case errors.Is(refusal.Err, account.ErrNotLoggedIn), errors.Is(refusal.Err, account.ErrLoginTooOld):
			return redirect("/login?next=" + url.QueryEscape(r.page()))
		default:
			return s.fail(r, refusal.Err)
		}
	}
	a, err := rt.do(ctx, r)
	if err != nil {
		return s.fail(r, err)
	}
	return a
}

// missing answers a request that no route takes.
func (s *site) missing(r *request) answer {
	var methods []string
	for _, rt := range s.routes() {
		if rt.path == r.path() {
			methods = append(methods, rt.method)
		}
	}
	if methods == nil {
		return s.fail(r, problem{http.StatusNotFound, "There is no such page."})
	}
	a := s.fail(r, problem{http.StatusMethodNotAllowed, "This address cannot be used in that way."})
	a.header.Set("Allow", strings.Join(methods, ", "))
	return a
}

// fail answers a request that failed in a handler or at the commit. What is not the
// visitor's to know goes to the log.
func (s *site) fail(r *request, err error) answer {
	code, text := describe(err)
	if code >= http.StatusInternalServerError {
		slog.Error("request failed", "method", r.method, "path", r.path(), "error", err)
	}
	a := s.render(code, "error", view{Title: http.StatusText(code), Data: failure{code, text, s.store.isStopped()}})
	if added, ok := session.ErrorHeader(err); ok {
		added.AddTo(a.header) // such as Retry-After
	}
	return a
}
