// Package adaptertest holds an adapter to its laws, over real HTTP.
//
// An adapter brings the sessions of a Manager to the handlers of one HTTP
// framework; what it owes is written at [session.Exchange]. A test of the
// adapter gives Run a function that starts a server of the framework with the
// adapter in it. Run sends requests to such servers, over a store
// that fails when a law wants it to, and reports each law as a subtest, so that one of them can be
// run alone: go test -run TestMiddleware/CommitFirst.
//
// The suite speaks HTTP/1.1. For HTTP/2 put a proxy in front of the server,
// such as [net/http/httputil.ReverseProxy], and return the proxy's address.
//
// Laws may be added in later releases.
package adaptertest

import (
	"context"
	"crypto/tls"
	"slices"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/plainstore"
)

// A Server is what the suite asks an adapter to serve.
type Server struct {
	// Handler is to be called with every request, whatever its path.
	Handler Handler

	// Managers are those whose sessions Handler uses, each by a middleware of
	// its own, the outermost first. Often it is one, and once the same one
	// twice; without any the server is to be as the framework makes it.
	Managers []session.AnyManager

	// Context is what a middleware around those of Managers makes of the
	// context of a request. It is never nil. An adapter for a framework whose
	// requests have no context.Context leaves it.
	Context func(context.Context) context.Context

	// Header is what that middleware sets in the header of each response before
	// it calls on, also where Managers is empty.
	Header map[string]string

	// TLS is not nil if the server is to serve over TLS with it. Start then returns
	// an https URL. A test whose server cannot leaves it, and returns an http URL.
	TLS *tls.Config
}

// Start serves s at a loopback address until the test ends, and returns its
// URL: http://127.0.0.1 and a port. A panic of the handler must end its request
// and not the server, and must not be caught between the handler and the
// adapter. What the server logs about it is best thrown away.
type Start func(t *testing.T, s Server) (url string)

// A Handler answers a request of the suite. It calls no method of testing.T
// that ends a test, and returns soon after it has responded.
type Handler func(r Request)

// A Request is a request and the ways to answer it, in terms that every
// framework has.
type Request struct {
	// Context is what an application passes to Manager.Get.
	Context context.Context

	// Target is the path and the query, such as "/a?b".
	Target string

	// Header sets a header of the response, replacing it.
	Header func(name, value string)

	// Respond responds as handlers of this framework usually do.
	Respond func(status int, body string)

	// Ways are all other ways in which a handler can begin a response. Each
	// responds with status 200 and a body, and is named for what it calls
	// first, such as "Flush" or "Hijack". A way that takes over the
	// connection sends all headers that the response has by then. If the
	// framework refuses a step with an error, the way ends there.
	Ways map[string]func(body string)

	// Stream responds with status 200 and a body in parts, each of which is on
	// its way to the client when send returns. parts may run before Stream
	// returns or after the handler has; Stream is the last thing that a
	// handler calls. Nil if the framework has no streams.
	Stream func(parts func(send func(part string) error))

	// TakeOver takes the connection over, such as by Hijack of net/http, and
	// responds with status 200 and a body, and with none of the headers that the
	// response has by then. Nil if the framework cannot, or does not tell the
	// adapter.
	TakeOver func(body string)

	// Fail answers with an error as handlers of this framework do: they return
	// it, or call session.Error. It is the last thing that a handler calls. Nil if
	// they do neither.
	Fail func(err error)

	// Inform sends a response of status 1xx ahead of the final one. Nil if the
	// framework sends none.
	Inform func(status int)
}

// A law is what a subtest checks. Its name stays.
type law struct {
	name  string
	check func(t *testing.T, on setup)
}

func laws() []law {
	return slices.Concat(commitLaws(), failureLaws(), endLaws(), lateLaws(), cookieLaws(), headerLaws(), costLaws(), raceLaws(), contextLaws(),
		sharedLaws(), lostLaws(), insideLaws(), answerLaws(), plainLaws(), undoLaws(), streamLaws(), deviceLaws(), inHeaderLaws())
}

// A setup is what the laws are checked on.
type setup struct {
	start    Start
	newStore func(t *testing.T) session.Store
	header   bool // the clients have their token in a header
	over     bool // newStore is the caller's
}

// An Option changes what Run does.
type Option func(*setup)

// Over has the suite keep its sessions in stores of another kind than its own,
// to see that the adapter and that kind get on. newStore is called for each
// manager that a law needs; the sessions of others in the same backend do no
// harm. The suite makes the store fail by itself. The laws that hold for a header as for
// a cookie are not checked again for the header: no store knows of either.
func Over(newStore func(t *testing.T) session.Store) Option {
	return func(on *setup) { on.newStore, on.over = newStore, true }
}

// Run checks every law on the servers that start starts, each as a subtest.
func Run(t *testing.T, start Start, opts ...Option) {
	t.Helper()
	on := setup{start: start, newStore: func(*testing.T) session.Store { return plainstore.New() }}
	for _, set := range opts {
		set(&on)
	}
	for _, l := range laws() {
		t.Run(l.name, func(t *testing.T) { l.check(t, on) })
	}
}
