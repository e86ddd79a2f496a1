// Package adaptertest tests an adapter against its laws, over real HTTP.
//
// An adapter brings the sessions of a Manager to the handlers of one HTTP
// framework. [session.Exchange] says what it must do. A test of the adapter
// gives [Run] a function that starts a server of the framework with the adapter
// in it. Run sends requests to such servers, over a store that fails when a law
// needs it. Each law is a subtest, and can be run alone: go test -run
// TestMiddleware/CommitFirst.
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

// A Server is what the suite asks the test of an adapter to serve.
type Server struct {
	// Handler must be called with every request, whatever its path.
	Handler Handler

	// Managers are the managers whose sessions Handler uses. Install a middleware
	// for each, the outermost first. Often there is one, and once the same one
	// twice. Without any, serve as the framework does by itself.
	Managers []session.AnyManager

	// Context changes the context of a request. Install a middleware around those
	// of Managers that passes its result on. It is never nil. If the framework's
	// requests have no context.Context, leave it out.
	Context func(context.Context) context.Context

	// Header is what that middleware sets in the header of each response before it
	// calls the next handler, even if Managers is empty.
	Header map[string]string

	// TLS, if not nil, is the configuration to serve over TLS with. Start then
	// returns an https URL. If the server cannot, leave TLS out, and return an http
	// URL.
	TLS *tls.Config
}

// A Start serves s at a loopback address until the test ends, and returns its
// URL: http://127.0.0.1 and a port. A panic of the handler must end its request
// and not the server. Nothing may catch it between the handler and the adapter.
// Discard what the server logs about it.
type Start func(t *testing.T, s Server) (url string)

// A Handler answers a request of the suite. It calls no method of [testing.T]
// that ends a test, and returns soon after it has responded.
type Handler func(r Request)

// A Request is a request and the ways to answer it, in terms that every
// framework has.
type Request struct {
	// Context is what an application passes to Manager.Get.
	Context context.Context

	// Target is the path and the query, such as "/a?b".
	Target string

	// Header sets a header of the response, and replaces any earlier one.
	Header func(name, value string)

	// Respond responds as handlers of this framework usually do.
	Respond func(status int, body string)

	// Ways are all other ways in which a handler can begin a response. Each
	// responds with status 200 and a body. Its name is the first thing that it
	// calls, such as "Flush" or "Hijack". A way that takes over the connection
	// sends all headers that the response has by then. If the framework refuses a
	// step with an error, the way ends there.
	Ways map[string]func(body string)

	// Stream responds with status 200 and a body in parts. Each part is on its way
	// to the client when send returns. parts may run before Stream returns, or
	// after the handler has returned. A handler calls Stream last. It is nil if the
	// framework has no streams.
	Stream func(parts func(send func(part string) error))

	// TakeOver takes over the connection, such as by Hijack of net/http. It
	// responds with status 200 and a body, and with none of the headers that the
	// response has by then. It is nil if the framework cannot do so, or does not
	// tell the adapter.
	TakeOver func(body string)

	// Fail answers with an error as handlers of this framework do: they return it,
	// or call session.Error. A handler calls Fail last. It is nil if they do
	// neither.
	Fail func(err error)

	// Inform sends a response of status 1xx ahead of the final one. It is nil if
	// the framework sends none.
	Inform func(status int)
}

// A law is what a subtest checks. Its name never changes.
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
	over     bool // newStore was given by Over
}

// An Option changes what [Run] does.
type Option func(*setup)

// Over makes the suite keep its sessions in the caller's stores, to test the
// adapter together with them. newStore is called for each manager that a law
// needs. The sessions of others in the same backend do no harm. The suite
// itself makes the store fail. The laws for a token in a header are left out,
// because no store knows of headers or cookies.
func Over(newStore func(t *testing.T) session.Store) Option {
	return func(on *setup) { on.newStore, on.over = newStore, true }
}

// Run checks every law, as a subtest, on servers that start serves.
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
