package session

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// AnyManager is a [Manager] whatever its data type: what an adapter is given.
// Only *Manager, and what embeds one, implements it.
type AnyManager interface {
	core() *engine
}

// An Exchange is one request's passage through a Manager. Adapters use it, and
// applications do not. For each request an adapter
//
//   - makes an Exchange, which costs nothing more when it is part of a struct
//     that the adapter needs anyway, and calls Begin; if that returns false, the
//     adapter leaves the request to the handler and does nothing else;
//   - lets the handler see it: as the request's context, or as the value of Key
//     in whatever context the handler passes to Manager.Get;
//   - calls Commit before the first byte of the final response is sent (a 1xx
//     other than 101 is not final), and adds the Header to the response. On an
//     error it answers with HTTPStatus instead of what the handler wrote, and
//     restores the headers set before the handler, to which it adds the Header;
//   - calls Finish when the handler has returned, or Discard if it panicked.
//
// It may set Route too, so that events say where they happened.
//
// The package adaptertest holds an adapter to this. The methods are safe for
// concurrent use, except Begin.
type Exchange struct {
	context.Context

	// Route, unless nil, returns the pattern of the route that the request takes,
	// such as "GET /items/{id}", or "" while it is not known. Where a Logger or
	// an Observer is set, Manager.Get, Commit, Finish and Discard call it, on the
	// goroutine of their caller. The methods of a Session never do, and nobody
	// does once Finish or Discard has returned. An event has the route that was
	// known last.
	Route interface{ Route() string }

	engine  *engine
	cookies []string
	gate    gate

	// Of whoever is inside the gate.
	asked    bool
	shielded bool  // the header that was sent keeps shared caches away
	failure  error // of the load

	// Published.
	visit *visit
	route string
}

// Begin starts the exchange of a request, given its context and the values of
// its Cookie header lines. It neither parses nor loads anything.
//
// It returns false if the context is of a request that has an Exchange of the
// manager already: the middleware is there twice, or the request was routed
// again. Then the first one does all that is to be done, and this one must not
// be used.
func (x *Exchange) Begin(ctx context.Context, m AnyManager, cookies []string) bool {
	x.Context, x.engine, x.cookies = ctx, m.core(), cookies
	_, nested := ctx.Value(x.engine).(*Exchange)
	return !nested
}

// Key is the key under which Manager.Get looks for the Exchange in a context.
// It is one per Manager. Call Begin first.
func (x *Exchange) Key() any { return x.engine }

// Value makes an Exchange the context from which Manager.Get finds it.
func (x *Exchange) Value(key any) any {
	switch key := key.(type) {
	case *engine:
		if key == x.engine {
			return x
		}
	case cookieKey:
		if x.engine.carries(key) {
			return x
		}
	}
	return x.Context.Value(key)
}

// String hides the cookies, as contexts get printed.
func (x *Exchange) String() string { return "session.Exchange" }

// GoString is String: %#v prints no cookie either.
func (x *Exchange) GoString() string { return x.String() }

// loaded returns what Get has loaded, or nil.
func (x *Exchange) loaded() typed {
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.learn()
	if x.visit == nil {
		return nil
	}
	return x.visit.typed
}

// load fills v with the request's session, unless another goroutine has done
// so. ctx is that of the caller of Get.
func (x *Exchange) load(ctx context.Context, v *visit) (typed, error) {
	if err := x.gate.enter(ctx); err != nil {
		return nil, err
	}
	v.engine, v.gate, v.ctx = x.engine, &x.gate, x
	defer v.leave()
	switch at := x.gate.at(); {
	case x.visit != nil:
		return x.visit.typed, nil
	case x.failure != nil:
		return nil, x.failure
	case at == over:
		return nil, fmt.Errorf("%w: the request is over; call Get while it is handled", ErrNoSession)
	case at == sent && !x.asked && !x.shielded:
		return nil, errLateGet
	case x.engine.collides(x.Context):
		return nil, errCookieTwice
	}
	x.asked = true
	switch given := x.Context.Value(x.engine).(type) { // of NewContext: a test uses the middleware
	case typed:
		return given, nil
	case error:
		return nil, given
	}
	if err := v.load(ctx, x.cookies); err != nil {
		if ctx.Err() == nil {
			x.failure = err // while the end of the caller's context says nothing about the store
		}
		return nil, err
	}
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.visit = v
	return v.typed, nil
}

// A Response is what an adapter knows of the response that is about to begin.
type Response struct {
	// Header is that of the response, with what the handler has set. It may be
	// nil where the handler has returned.
	Header http.Header

	// Hijacked: the handler has taken the connection over. A cookie reaches the
	// browser only if the handler sends it, so none is made that it did not
	// ask for.
	Hijacked bool
}

// Commit writes the changes of the session, if there are any, and returns what
// to add to the response, on an error too. It does not heed the cancellation of
// the request and is bounded by Options.StoreTimeout. Only the first call does
// anything. After an error the exchange is over.
func (x *Exchange) Commit(r Response) (Header, error) {
	if err := x.gate.enter(context.Background()); err != nil {
		x.gate.become(over)
		return failed(err, time.Time{}), err
	}
	defer x.leave()
	if x.gate.at() != handling {
		return Header{}, nil
	}
	x.ask()
	if x.visit == nil {
		x.shielded = shields(r.Header)
		x.gate.become(sent)
		return x.bare(), nil
	}
	if err := x.visit.commit(!r.Hijacked && x.Context.Err() == nil); err != nil {
		return failed(err, x.visit.refusal.until), err
	}
	return x.visit.header(), nil
}

// bare is the header of a response without a session: none was asked for, or it
// could not be loaded.
func (x *Exchange) bare() Header {
	h := Header{}
	if x.failure != nil {
		h.RetryAfter = failed(x.failure, time.Time{}).RetryAfter
	}
	if x.asked {
		h.Vary = "Cookie"
	}
	return h
}

// Finish writes what was changed since Commit; afterwards the session can only
// be read. Its error has been reported as an event and comes too late for the
// response: a connection may be cut to tell the client.
func (x *Exchange) Finish() error { return x.end((*visit).finish) }

// Discard drops what was changed and not committed.
func (x *Exchange) Discard() {
	_ = x.end(func(v *visit) error { v.discard(); return nil })
}

// end lets act end what there is, and the exchange with it.
func (x *Exchange) end(act func(*visit) error) error {
	defer x.forget()
	if err := x.gate.enter(context.Background()); err != nil {
		x.gate.become(over)
		return err
	}
	defer x.leave()
	defer x.gate.become(over)
	x.ask()
	if at := x.gate.at(); x.visit == nil || at == committing || at == over { // committing: an Update function panicked
		return nil
	}
	return act(x.visit)
}

// leave leaves the gate by the visit, which tells its events.
func (x *Exchange) leave() {
	if x.visit == nil {
		x.gate.leave()
		return
	}
	x.visit.leave()
}

// forget drops Route, because frameworks may reuse its memory.
func (x *Exchange) forget() {
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.Route = nil
}

func (x *Exchange) ask() {
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.learn()
}

// learn calls Route when a Logger or an Observer is set. It holds mu, so that
// forget waits for it. A router may forget its route while the handler is still
// at work: so what was known stays.
func (x *Exchange) learn() {
	if x.Route == nil || !x.engine.watched() || x.gate.phase == over {
		return
	}
	if route := x.Route.Route(); route != "" {
		x.route = route
	}
}

func (x *Exchange) known() string {
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	return x.route
}

// shields reports whether a response with this header is kept by no cache that
// others share, or only for the same Cookie (RFC 9111).
func shields(h http.Header) bool {
	if lists(h["Vary"], "Cookie") || lists(h["Vary"], "*") {
		return true
	}
	for _, line := range h["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			directive = strings.TrimSpace(directive)
			if strings.EqualFold(directive, "no-store") || strings.EqualFold(directive, "private") {
				return true
			}
		}
	}
	return false
}

// A cookieKey is the name of a cookie, as the key of a context: an Exchange
// answers to the names that its manager reads.
type cookieKey string
