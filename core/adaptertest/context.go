package adaptertest

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func contextLaws() []law {
	return []law{
		{"Context", contextLaw},
		{"OneHandle", oneHandle},
		{"SideBySide", sideBySide},
		{"SideBySideFailure", sideBySideFailure},
		{"OtherManager", otherManager},
		{"Nested", nested},
	}
}

// contextLaw: the handler finds what a middleware around the adapter's has put
// into the context.
func contextLaw(t *testing.T, on setup) {
	type key struct{}
	deadline := time.Now().Add(time.Hour)
	var used atomic.Bool
	si := newSite(t, on, nil, routes{"/context": func(si *site, r Request) {
		if used.Load() {
			if got := r.Context.Value(key{}); got != "value" {
				si.t.Errorf("the context has the value %v, want that of the middleware around", got)
			}
			if got, ok := r.Context.Deadline(); !ok || !got.Equal(deadline) {
				si.t.Errorf("the context has the deadline %v, %t, want that of the middleware around", got, ok)
			}
		}
		if s := si.incremented(r); s != nil {
			r.Respond(200, state(s))
		}
	}})
	si.serve(on.start, func(ctx context.Context) context.Context {
		used.Store(true)
		ctx, cancel := context.WithDeadline(context.WithValue(ctx, key{}, "value"), deadline)
		t.Cleanup(cancel)
		return ctx
	}, si.Manager)
	v := si.visitor()
	v.get("/context").wants(t, 200, "1")
	v.get("/context").wants(t, 200, "2")
}

// oneHandle: a request has one handle, loaded once, however often it is asked
// for.
func oneHandle(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/many": func(si *site, r Request) {
		var handles [8]*session.Session[visit]
		var all sync.WaitGroup
		for i := range handles {
			all.Go(func() {
				s, err := si.Get(r.Context)
				if err == nil {
					err = s.Update(count)
				}
				if err != nil {
					si.t.Errorf("Get and Update from a goroutine of the request: %v", err)
				}
				handles[i] = s
			})
		}
		all.Wait()
		for _, s := range handles {
			if s != handles[0] {
				si.t.Error("two calls of Get in one request returned two handles: changes to one of them are lost")
			}
		}
		r.Respond(200, state(handles[0]))
	}})
	v := si.known()
	v.get("/many").wants(t, 200, "9")
	if calls := si.store.took(); calls != "Load Update" {
		t.Errorf("the store saw %q, want one Load and one Update", calls)
	}
	v.get("/read").wants(t, 200, "9")
}

const otherName = "__Host-other"

// twoSites makes two managers, each with its own store. The handler changes the
// sessions of both. The second manager's middleware is inside the first's.
func twoSites(t *testing.T, on setup) (first, second *site) {
	t.Helper()
	second = newSite(t, on, &session.Options{Cookie: session.Cookie{Name: otherName}}, nil)
	first = newSite(t, on, nil, routes{"/both": func(si *site, r Request) {
		one := si.incremented(r)
		if one == nil {
			return
		}
		if two := second.incremented(r); two != nil {
			r.Respond(200, "hello "+state(one)+", "+state(two))
		}
	}})
	first.serve(on.start, asItIs, first.Manager, second.Manager)
	second.url = first.url
	return first, second
}

// sideBySide: the middlewares of two managers may be nested.
func sideBySide(t *testing.T, on setup) {
	first, second := twoSites(t, on)
	v := first.visitor()
	a := v.get("/both")
	a.wants(t, 200, "hello 1, 1")
	for _, name := range []string{cookieName, otherName} {
		if got := a.cookies(name); len(got) != 1 {
			t.Errorf("got Set-Cookie %q of the name %s, want one of each manager", got, name)
		}
	}
	if got := strings.ToLower(strings.Join(a.header["Vary"], ", ")); got != "cookie" {
		t.Errorf("got Vary %q, want Cookie once", got)
	}
	v.get("/both").wants(t, 200, "hello 2, 2")
	if first.store.Len() != 1 || second.store.Len() != 1 {
		t.Errorf("the stores have %d and %d sessions, want one each", first.store.Len(), second.store.Len())
	}
}

// sideBySideFailure: if one of two managers cannot commit, the response is an
// error.
func sideBySideFailure(t *testing.T, on setup) {
	for i, name := range []string{"Outer", "Inner"} {
		t.Run(name, func(t *testing.T) {
			first, second := twoSites(t, on)
			first.visitor().get("/both").wants(t, 200, "hello 1, 1")
			lost := []*site{first, second}[i]
			lost.store.fail(down, writeMethods...)
			first.visitor().get("/both").wantsFailure(t, []string{cookieName, otherName}[i])
		})
	}
}

// otherManager: a manager without its middleware returns an error that says so.
func otherManager(t *testing.T, on setup) {
	other := newSite(t, on, &session.Options{Cookie: session.Cookie{Name: otherName}}, nil)
	si := open(t, on, nil, routes{"/other": func(si *site, r Request) {
		if _, err := other.Get(r.Context); err == nil {
			si.t.Error("Get of a manager without its middleware: got a session, want ErrNoSession")
		}
		r.Respond(200, "hello")
	}})
	si.raw("/other").wants(t, 200, "hello")
}

// nested: if the middleware of one manager is installed twice, as on a router
// and on a group of its routes, a request still has one session.
func nested(t *testing.T, on setup) {
	si := newSite(t, on, nil, routes{"/twice": func(si *site, r Request) {
		var key session.Exchange
		key.Begin(r.Context, si.Manager, nil)
		if x, ok := r.Context.Value(key.Key()).(*session.Exchange); ok && x.Context.Value(key.Key()) != nil {
			si.t.Error("the middleware is there twice, and a middleware between the two gets another session than the handler: changes to one of them are lost; call the handler and do nothing else when Begin returns false")
		}
		if s := si.incremented(r); s != nil {
			r.Respond(200, state(s))
		}
	}, "/failed": func(si *site, r Request) {
		if si.incremented(r) != nil {
			si.store.fail(down, everyMethod...)
			r.Respond(200, "hello")
		}
	}})
	si.serve(on.start, asItIs, si.Manager, si.Manager)
	v := si.visitor()
	a := v.get("/twice")
	a.wants(t, 200, "1")
	if got := a.cookies(cookieName); len(got) != 1 {
		t.Errorf("got Set-Cookie %q, want one", got)
	}
	if got := strings.ToLower(strings.Join(a.header["Vary"], ", ")); got != "cookie" {
		t.Errorf("got Vary %q, want Cookie once", got)
	}
	v.get("/twice").wants(t, 200, "2")
	if calls := si.store.took(); calls != "Create Load Update" {
		t.Errorf("the store saw %q, want one Create, and one Load and one Update", calls)
	}
	v.get("/failed").wantsFailure(t, cookieName)
}
