package session

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// An Engine is a Manager whatever its data type: what an adapter is given. Only
// *Manager, and what embeds one, implements it.
type Engine interface {
	engine() *config
}

func (c *config) engine() *config { return c }

// An Exchange is one request's passage through a Manager. Adapters use it, and
// applications do not. For each request an adapter
//
//   - makes an Exchange, which costs nothing more when it is part of a struct
//     that the adapter needs anyway, and calls Begin; if it is Nested, the
//     adapter leaves the request to the handler and does nothing else;
//   - lets the handler see it: as the request's context, or as the value of Key
//     in whatever context the handler passes to Manager.Get;
//   - calls Commit before the first byte of the final response is sent (a 1xx
//     other than 101 is not final), and adds the Header to the response or, on
//     an error, answers with HTTPStatus instead of what the handler wrote: of
//     the headers those stay that were there before the handler, as they were;
//   - calls Finish when the handler has returned, or Discard if it panicked.
//
// It may set Route too, so that events say where they happened.
//
// The package adaptertest holds an adapter to this. The methods are safe for
// concurrent use, but for Begin.
type Exchange struct {
	context.Context

	// Route, unless nil, tells the pattern of the route that the request takes,
	// such as "GET /items/{id}", or "" while it is not known. It is asked, if
	// anybody watches, by Manager.Get on the goroutine of the caller, and by Commit,
	// Finish and Discard; never by the methods of a Session, and never once Finish or
	// Discard has returned. Each event has what was last known. So only a goroutine
	// that calls Get before the routing is done reads what the router still writes.
	Route interface{ Route() string }

	manager *config
	cookies []string
	phase   atomic.Int32 // written with mu held, or with the session's op

	mu      sync.Mutex // guards what follows
	session handle
	failure error // of the load
	asked   bool
	route   string // as Route last told it
	offline bool   // made by NewContext: nothing is written
}

// A handle is a *Session[T], whatever T is.
type handle interface {
	commit() (Header, error)
	finish() error
	discard()
}

// The phases of an exchange.
const (
	open     = iota
	sent     // the header is on its way: nothing that needs a cookie
	finished // nothing at all
)

// Header is what the session adds to a response; an empty field adds nothing.
type Header struct {
	SetCookie    string // add, as a line of its own
	CacheControl string // set, replacing: a cookie must not be cached
	Vary         string // add, unless h.Varies
}

// Varies reports whether a response with these Vary lines needs no other to say
// what h.Vary does.
func (h Header) Varies(lines []string) bool {
	return h.Vary == "" || slices.ContainsFunc(lines, func(line string) bool {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), h.Vary) {
				return true
			}
		}
		return false
	})
}

// Begin starts the exchange of a request, given its context and the values of
// its Cookie header lines. It neither parses nor loads anything.
func (x *Exchange) Begin(ctx context.Context, e Engine, cookies []string) {
	x.Context, x.manager, x.cookies = ctx, e.engine(), cookies
}

// Nested reports whether the context given to Begin is of a request that has an
// Exchange of the manager already: the middleware is there twice, or the request
// was routed again. Then the first one does all that is to be done, and this one
// is not to be used.
func (x *Exchange) Nested() bool {
	outer, ok := x.Context.Value(x.manager).(*Exchange)
	return ok && !outer.offline
}

// Key is the key under which Manager.Get looks for the Exchange in a context.
// It is one per Manager. Call Begin first.
func (x *Exchange) Key() any { return x.manager }

// Value makes an Exchange the context from which Manager.Get finds it.
func (x *Exchange) Value(key any) any {
	if key == any(x.manager) {
		return x
	}
	return x.Context.Value(key)
}

// String hides the cookies, as contexts get printed.
func (x *Exchange) String() string { return "session.Exchange" }

// GoString is String: %#v prints no cookie either.
func (x *Exchange) GoString() string { return x.String() }

// Commit writes the changes of the session, if there are any, and returns what
// to add to the response. It does not heed the cancellation of the request and
// is bounded by Options.StoreTimeout. Only the first call does anything. After
// an error the exchange is over.
func (x *Exchange) Commit() (Header, error) {
	x.mu.Lock()
	s, asked := x.session, x.asked
	if s == nil {
		x.phase.CompareAndSwap(open, sent)
	} else if x.phase.Load() == open {
		x.learn()
	}
	x.mu.Unlock()
	switch {
	case s != nil:
		return s.commit()
	case asked:
		return Header{Vary: "Cookie"}, nil
	}
	return Header{}, nil
}

// Finish writes what was changed since Commit; afterwards the session can only
// be read. Its error has been reported as an event and comes too late for the
// response: a connection may be cut to tell the client.
func (x *Exchange) Finish() error {
	defer x.leave()
	if s := x.end(); s != nil {
		return s.finish()
	}
	return nil
}

// Discard drops what was changed and not committed.
func (x *Exchange) Discard() {
	defer x.leave()
	if s := x.end(); s != nil {
		s.discard()
	}
}

// end returns the session that is to end the exchange, or ends it itself.
func (x *Exchange) end() handle {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.session == nil {
		x.phase.Store(finished)
	} else {
		x.learn()
	}
	return x.session
}

// leave is for a framework that uses the memory of a request again.
func (x *Exchange) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Route = nil
}

// learn asks for the route, with mu held. What was known stays known: a router
// may forget it while the handler is still at work.
func (x *Exchange) learn() {
	if x.Route == nil || !x.manager.watched() {
		return
	}
	if route := x.Route.Route(); route != "" {
		x.route = route
	}
}

func (x *Exchange) known() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.route
}
