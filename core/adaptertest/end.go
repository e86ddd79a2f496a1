package adaptertest

import (
	"context"
	"errors"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func endLaws() []law {
	return []law{
		{"PanicDiscards", panicDiscards},
		{"PanicAfterResponse", panicAfterResponse},
		{"PanicAfterFailure", panicAfterFailure},
		{"ClientGone", clientGone},
		{"ClientGoneBefore", clientGoneBefore},
		{"Frozen", frozen},
	}
}

// panicDiscards: a handler that panics commits nothing, and the panic goes on.
func panicDiscards(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/panic": func(si *site, r Request) {
		if si.incremented(r) != nil {
			panic("adaptertest: a handler panics")
		}
	}})
	a := si.raw("/panic")
	if !a.failed() {
		t.Errorf("got %v, want a failure: the panic of a handler goes on to the server", a)
	}
	a.wantsNoCookie(t, "the handler panicked")
	if calls := si.store.took(); calls != "" {
		t.Errorf("the store saw %q, want no call: a handler that panics commits nothing", calls)
	}
	v := si.known() // the server still serves
	if a := v.get("/panic"); !a.failed() {
		t.Errorf("got %v, want a failure: the panic of a handler goes on to the server", a)
	}
	v.get("/read").wants(t, 200, "1")
}

// panicAfterResponse: a panic after the response has begun commits no late
// change.
func panicAfterResponse(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/panic": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		r.Respond(200, "hello")
		if err := s.Update(count); err != nil {
			si.t.Errorf("a late change of a session that is stored: %v", err)
		}
		panic("adaptertest: a handler panics")
	}})
	v := si.known()
	if a := v.get("/panic"); !a.failed() {
		t.Errorf("got %v, want a failure: the panic of a handler goes on to the server", a)
	}
	if calls := si.store.took(); calls != "Load" {
		t.Errorf("the store saw %q, want only Load: a handler that panics commits nothing more", calls)
	}
}

// panicAfterFailure: if a handler panics because its response could not begin,
// the client gets a failure and no cookie, even if the server answers the
// panic.
func panicAfterFailure(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/panic": func(si *site, r Request) {
		if si.incremented(r) == nil {
			return
		}
		si.store.fail(down, everyMethod...)
		r.Respond(200, "hello")
		panic("adaptertest: a handler panics")
	}})
	a := si.raw("/panic")
	if !a.failed() {
		t.Errorf("got %v, want a failure: the session could not be written, and the handler panicked", a)
	}
	a.wantsNoCookie(t, "the session that it is for could not be written")
}

// clientGone: a client that leaves does not interrupt the commit.
func clientGone(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/slow": func(si *site, r Request) {
		if si.incremented(r) == nil {
			return
		}
		si.gate.pass()
		si.clientLeaves(r)
		r.Respond(200, "hello")
	}})
	c := si.send("/slow")
	si.gate.await(t, 1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	si.gate.open()
	if !eventually(func() bool { return si.store.Len() == 1 }) {
		t.Error("the client left before the handler ended, and the change is not in the store: commit on the request's Exchange whatever became of the client")
	}
}

// clientLeaves waits until the request knows that its client has left, if it
// ever knows.
func (si *site) clientLeaves(r Request) {
	if gone := r.Context.Done(); gone != nil {
		select {
		case <-gone:
		case <-time.After(patience):
			si.t.Error("the client is gone, and the request's context, which has a Done channel, does not end")
		}
	}
}

// contextsEnd reports whether the framework's requests have contexts that end
// when the client leaves, without the adapter.
func contextsEnd(t *testing.T, on setup) (end bool) {
	t.Helper()
	si := newSite(t, on, nil, routes{"/": func(_ *site, r Request) {
		end = r.Context.Done() != nil
		r.Respond(200, "")
	}})
	si.serve(on.start, asItIs)
	si.visitor().get("/")
	return end
}

// clientGoneBefore: if a client leaves before or during the load of its
// session, that is no failure of the store, and no event says so.
func clientGoneBefore(t *testing.T, on setup) {
	if !contextsEnd(t, on) {
		t.Log("the adapter's framework does not say when a client has left")
		return
	}
	t.Run("Load", func(t *testing.T) { clientGoneAt(t, on, false) })
	t.Run("EndOfLoad", func(t *testing.T) { clientGoneAt(t, on, true) })
}

func clientGoneAt(t *testing.T, on setup, loading bool) {
	t.Helper()
	results, events := make(chan error, 1), make(chan session.Event, 10)
	opts := &session.Options{StoreTimeout: time.Minute, Observer: func(_ context.Context, e session.Event) { events <- e }}
	si := open(t, on, opts, routes{"/slow": func(si *site, r Request) {
		if r.Context.Done() == nil {
			si.t.Error("the contexts of the framework's requests end, and that of the adapter's does not: make the Exchange on the request's context")
		}
		if !loading {
			si.gate.pass()
			si.clientLeaves(r)
		}
		_, err := si.Get(r.Context)
		results <- err
	}})
	v := si.known()
	for len(events) > 0 {
		<-events
	}
	if loading {
		si.store.fail(hangs, "Load")
	}
	c := si.send("/slow", cookie(v.token()))
	if !loading {
		si.gate.await(t, 1)
	} else if !eventually(func() bool { return si.store.took() == "Load" }) {
		t.Error("Get did not load the session")
	}
	c.Close()
	si.gate.open()
	err := receive(t, results)
	si.store.heal()
	if status := session.HTTPStatus(err); !errors.Is(err, context.Canceled) || status != 499 {
		t.Errorf("Get for a client that has left: got the error %v, of status %d, want context.Canceled and 499", err, status)
	}
	if len(events) > 0 {
		t.Errorf("got the event %v, want none: nothing has failed", <-events)
	}
	v.get("/read").wants(t, 200, "1")
}

// frozen: after the request the handle can be read but not changed.
func frozen(t *testing.T, on setup) {
	handles := make(chan *session.Session[visit], 1)
	si := open(t, on, nil, routes{"/keep": func(si *site, r Request) {
		if s := si.session(r); s != nil {
			handles <- s
			r.Respond(200, "hello")
		}
	}})
	v := si.known()
	v.get("/keep").wants(t, 200, "hello")
	s := receive(t, handles)
	if !eventually(func() bool {
		return errors.Is(s.Update(func(*visit) error { return nil }), session.ErrHeadersSent)
	}) {
		t.Fatal("the request is over, and its handle still takes changes: call Finish when the handler has returned")
	}
	si.store.took()
	for name, err := range map[string]error{
		"Update":  s.Update(count),
		"Login":   s.Login("mallory", nil),
		"Renew":   s.Renew(),
		"Destroy": s.Destroy(),
		"Commit":  s.Commit(t.Context()),
	} {
		if !errors.Is(err, session.ErrHeadersSent) {
			t.Errorf("%s after the request: got the error %v, want ErrHeadersSent", name, err)
		}
	}
	if calls := si.store.took(); calls != "" {
		t.Errorf("the store saw %q after the request, want nothing", calls)
	}
	if got := s.Data().N; got != 1 {
		t.Errorf("the handle reads %d after the request, want 1", got)
	}
}
