package session

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// AnyManager is a [Manager] of any data type, for adapters. Only *Manager, and
// types that embed one, implement it.
type AnyManager interface {
	core() *engine
	visitor(ctx context.Context) (*visit, error) // the handle on the request's session; does not count as a use
}

// An Exchange is one request's passage through a Manager. It is for adapters;
// applications do not use it. For each request an adapter
//
//   - makes an Exchange and calls [Exchange.Begin]. If that returns false, the
//     adapter calls the handler and does nothing else;
//   - passes the Exchange to the handler: as the request's context, or as the
//     value of [Exchange.Key] in the context that the handler gives to
//     [Manager.Get];
//   - calls [Exchange.Commit] before the first byte of the final response (a 1xx
//     other than 101 is not final), and adds the [Header] to the response;
//   - if Commit fails, drops what the handler wrote and restores the headers set
//     before the handler. Then it adds the Header and answers with [HTTPStatus];
//   - calls [Exchange.Finish] when the handler has returned, or
//     [Exchange.Discard] if it panicked.
//
// An adapter also calls [Exchange.Heed] after Begin, for [Options.Device], and may set
// Route, so that events name the route.
//
// The package adaptertest tests an adapter against this contract. All methods but
// Begin are safe for concurrent use.
type Exchange struct {
	context.Context

	// Route, unless nil, returns the pattern of the request's route, such as
	// "GET /items/{id}", or "" while it is not known. Events have the last known
	// one.
	//
	// Only these methods call it, on the goroutine of their caller and only if a
	// Logger or an Observer is set: Manager.Get, Manager.Peek, Commit, Finish and
	// Discard. A lock is held, so Route must not use the session. Nothing calls it
	// after Finish or Discard has returned.
	Route interface{ Route() string }

	engine  *engine
	lines   []string
	skipped []string // see Heed
	gate    gate

	// Only the caller inside the gate uses these fields.
	asked    bool // Get was called
	shielded bool // the header that was sent keeps shared caches away

	// The caller inside the gate writes these fields. Its mutex guards them.
	visit   *visit
	failure error // of the load
	route   string
}

// Begin starts the exchange of a request. ctx is the request's context, and
// lines are the values of its header lines that [RequestHeader] names. Begin
// parses and loads nothing.
//
// It returns false if the request already has an Exchange of the manager: the
// middleware is installed twice, or the request was routed again. Do not use
// this Exchange then. The first one does all the work.
func (x *Exchange) Begin(ctx context.Context, m AnyManager, lines []string) bool {
	x.Context, x.engine, x.lines = ctx, m.core(), lines
	_, nested := ctx.Value(x.engine.key).(*Exchange)
	return !nested
}

// Key is the key under which [Manager.Get] looks for the Exchange in a context.
// Each Manager has its own. It is a string, because some frameworks accept only
// strings. Call Begin first.
func (x *Exchange) Key() any { return x.engine.key }

// Value implements [context.Context]. It returns the Exchange itself for Key, and
// for the carriers that its manager reads.
func (x *Exchange) Value(key any) any {
	if key == x.engine.key {
		return x
	}
	if carrier, ok := key.(carrierKey); ok && x.engine.carries(carrier) {
		return x
	}
	return x.Context.Value(key)
}

// String hides the cookies: contexts get printed.
func (x *Exchange) String() string { return "session.Exchange" }

// GoString is [Exchange.String]: %#v prints no cookie either.
func (x *Exchange) GoString() string { return x.String() }

// loaded returns what Get or Peek has loaded, or nil if there is more to do.
func (x *Exchange) loaded(use bool) (typed, error) {
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.learn()
	if x.visit == nil || use && !x.visit.used.Load() {
		return nil, nil
	}
	return x.visit.typed, x.visit.shown().sealed
}

// load fills v with the request's session and returns its handle. If another
// goroutine has loaded the session already, load returns that handle. ctx is
// the caller's. use is true for Get and false for Peek. If the data could not
// be decoded, load returns a handle and the error.
func (x *Exchange) load(ctx context.Context, v *visit, use bool) (typed, error) {
	if err := x.gate.enter(ctx); err != nil {
		return nil, err
	}
	v.engine, v.gate, v.ctx = x.engine, &x.gate, x
	defer v.leave()
	if x.visit != nil {
		if use {
			x.visit.use(ctx)
		}
		return x.visit.typed, x.visit.shown().sealed
	}
	if err := x.loadable(); err != nil {
		return nil, err
	}
	x.asked = true
	switch given := x.Context.Value(x.engine.key).(type) { // put there by NewContext, in a test with the middleware
	case typed:
		return given, nil
	case error:
		return nil, given
	}
	if err := v.load(ctx, x.lines); err != nil {
		if ctx.Err() == nil {
			x.failure = err // if the caller's context is over, that is no failure of the store
		}
		return nil, err
	}
	v.heedSkips(x.skipped)
	if use {
		v.use(ctx)
	}
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.visit = v
	return v.typed, v.shown().sealed
}

// loadable returns why the session cannot be loaded.
func (x *Exchange) loadable() error {
	switch at := x.gate.at(); {
	case x.failure != nil:
		return x.failure
	case at == over:
		return fmt.Errorf("%w: the request is over; call Get while it is handled", ErrNoSession)
	case at == sent && !x.asked && !x.shielded:
		return errLateGet
	case x.engine.collides(x.Context):
		return errCarrierTwice
	}
	return nil
}

// A Response describes the response that is about to begin.
type Response struct {
	// Header is the header of the response, as the handler has set it. Commit only
	// reads it. It may be nil after the handler has returned.
	Header http.Header

	// Hijacked reports whether the handler has taken over the connection. The
	// session can then send no cookie, so a renewal by Options.RenewEvery waits
	// for another request.
	Hijacked bool

	// Plain reports that the request seems to have come over plain http: it has no
	// TLS, and no header of a proxy that may have ended TLS. Host is then the host
	// that the request names. Commit uses both only to warn in the log.
	Plain bool
	Host  string
}

// Commit writes the changes of the session, if any, and returns what to add to
// the response, even with an error. The cancellation of the request does not
// stop it; Options.StoreTimeout bounds it. Only the first call has an effect.
// After an error the exchange is over. [HTTPStatus] gives the status for the
// error.
func (x *Exchange) Commit(r Response) (Header, error) {
	if err := x.gate.enter(context.Background()); err != nil {
		x.gate.become(over)
		return x.engine.failed(err, time.Time{}), err
	}
	defer x.leave()
	if x.gate.at() != handling {
		return Header{}, nil
	}
	x.ask()
	if x.visit == nil {
		x.shielded = x.engine.shields(r.Header)
		x.gate.become(sent)
		return x.bare(), nil
	}
	if err := x.visit.commit(!r.Hijacked && x.Context.Err() == nil); err != nil {
		return x.engine.failed(err, x.visit.refusal.until), err
	}
	h := x.visit.header()
	if r.Plain && x.visit.answer == handOut {
		x.engine.warnOfPlain(x.Context, r.Host)
	}
	return h, nil
}

// bare is the header of a response whose session was not asked for, or could not
// be loaded.
func (x *Exchange) bare() Header {
	h := Header{}
	if x.failure != nil {
		h = x.engine.failed(x.failure, time.Time{})
	}
	if x.asked {
		h.Vary = x.engine.opts.requestHeader()
	}
	return h
}

// Finish writes what was changed since Commit. After it the session can be read
// and kept alive by [Session.Touch], but not changed. Finish has reported its
// error as an event. The error comes too late for the response: cut the
// connection to tell the client.
func (x *Exchange) Finish() error { return x.end((*visit).finish) }

// Discard drops the changes that were not committed, even a Destroy, and ends
// the exchange.
func (x *Exchange) Discard() {
	_ = x.end(func(v *visit) error { v.discard(); return nil })
}

// end runs act, if there is a session to act on, and ends the exchange.
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

// leave leaves the gate. The visit, if there is one, reports its events.
func (x *Exchange) leave() {
	if x.visit == nil {
		x.gate.leave()
		return
	}
	x.visit.leave()
}

// forget drops Route, because frameworks may reuse its memory.
func (x *Exchange) forget() {
	if !x.engine.watched() {
		return // nothing calls it
	}
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.Route = nil
}

// ask is learn for callers that do not hold the mutex.
func (x *Exchange) ask() {
	if !x.engine.watched() {
		return
	}
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.learn()
}

// learn calls Route when a Logger or an Observer is set. The caller holds mu, so
// forget waits for it. A known route stays: a router may forget it while the
// handler is still at work.
func (x *Exchange) learn() {
	if x.Route == nil || !x.engine.watched() || x.gate.at() == over {
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

// A carrierKey is the name of a carrier, as a key of a context. An Exchange is
// the value of the carriers that its manager reads.
type carrierKey string
