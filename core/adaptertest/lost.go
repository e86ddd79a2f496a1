package adaptertest

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func lostLaws() []law {
	return []law{
		{"UseIsRecordedAtOnce", useIsRecordedAtOnce},
		{"TooLate", tooLate},
		{"LostResponse", lostResponse},
		{"LostRenewal", lostRenewal},
		{"RenewalClientGone", renewalClientGone},
		{"RenewalTakenOver", renewalTakenOver},
		{"LoginReaches", loginReaches},
	}
}

// useIsRecordedAtOnce: if a session could expire during a request, its use is
// recorded before the handler goes on.
func useIsRecordedAtOnce(t *testing.T, on setup) {
	calls := make(chan string, 1)
	si := open(t, on, nil, routes{"/slow": func(si *site, r Request) {
		if s := si.session(r); s != nil {
			calls <- si.store.took()
			r.Respond(200, state(s))
		}
	}})
	v := si.known()
	v.get("/read").wants(t, 200, "1")
	si.store.took()
	si.store.expireIn(t, 20*time.Minute) // of an hour
	v.get("/slow").wants(t, 200, "1")
	if got := receive(t, calls); got != "Load Touch" {
		t.Errorf("a session with a third of its time left was loaded, and the store saw %q before the handler went on, want Load and Touch: each request has an Exchange of its own", got)
	}
}

// tooLate: a change after the session has expired is no success.
func tooLate(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/late": func(si *site, r Request) {
		s := si.incremented(r)
		if s == nil {
			return
		}
		if !s.IsNew() {
			for time.Now().Before(s.ExpiresAt()) {
				time.Sleep(time.Millisecond)
			}
		}
		r.Respond(200, state(s))
	}})
	si.store.fail(down, "Touch") // a Touch would keep it alive
	for left := 10 * time.Millisecond; ; left *= 2 {
		v := si.known()
		si.store.expireIn(t, left)
		a := v.get("/late")
		if a.status == 200 && a.body == "1" { // the request itself came too late, and began a new session
			continue
		}
		if a.err != nil || a.status != 409 {
			t.Errorf("got %v, want status 409: the session ran out before its change was stored", a)
		}
		a.wantsNoCookie(t, "nothing was stored")
		return
	}
}

// lostResponse: after any lost response, the browser's next request works or is
// told when to come again, and the browser can log in at once.
func lostResponse(t *testing.T, on setup) {
	for _, lost := range []string{"/login", "/logout"} {
		t.Run(lost[1:], func(t *testing.T) {
			si := open(t, on, nil, nil)
			v := si.known()
			if a := si.raw(lost, cookie(v.token())); a.status != 200 { // v does not get the response
				t.Fatalf("got %v, want status 200", a)
			}
			v.get("/read").wants(t, 200, "new")
			a := v.get("/count")
			if a.err != nil || a.status != 409 {
				t.Errorf("a change with the secret from before: got %v, want status 409", a)
			}
			a.wantsRetryAfter(t, 60)
			a.wantsNoCookie(t, "the response that was lost may still arrive")
			v.get("/login").wants(t, 200, "0 alice")
			v.get("/count").wants(t, 200, "1 alice")
		})
	}
}

// wantsRetryAfter checks that the client is told when to come again.
func (a answer) wantsRetryAfter(t *testing.T, most int) {
	t.Helper()
	got := a.header["Retry-After"]
	if len(got) == 1 {
		if n, err := strconv.Atoi(got[0]); err == nil && 1 <= n && n <= most {
			return
		}
	}
	t.Errorf("got %v with Retry-After %q, want one number of 1 to %d seconds: add the Header that Commit returns, also on an error", a, got, most)
}

// renewEvery is so short that renewals are due without a wait.
const renewEvery = 4 * time.Millisecond

// shortly returns options with renewEvery, and a count of the renewals.
func shortly() (*session.Options, *atomic.Int32) {
	renewals := new(atomic.Int32)
	return &session.Options{
		RenewEvery: renewEvery, StragglerWindow: renewEvery / 2,
		Observer: func(_ context.Context, e session.Event) {
			if e.Kind == session.EventRenewed {
				renewals.Add(1)
			}
		},
	}, renewals
}

// lostRenewal: a renewal by RenewEvery is offered until one arrives, and a lost
// one costs nothing.
func lostRenewal(t *testing.T, on setup) {
	opts, _ := shortly()
	si := open(t, on, opts, nil)
	line := cookie(si.known().token())
	var renewed string
	for range 3 {
		if !eventually(func() bool {
			a := si.raw("/read", line)
			a.wants(t, 200, "1")
			renewed = a.token()
			return renewed != ""
		}) {
			t.Fatal("the renewal of a secret did not arrive, and no other one is offered: add the Header that Commit returns")
		}
	}
	a := si.raw("/count", line)
	a.wants(t, 200, "2")
	if a.token() != "" {
		renewed = a.token()
	}
	si.raw("/read", cookie(renewed)).wants(t, 200, "2")
}

// outlast waits until secrets are due to be renewed.
func outlast() { time.Sleep(renewEvery + time.Millisecond) }

// awaitEnd waits until the handle of a request shows that the request is over.
func awaitEnd(t *testing.T, s *session.Session[visit]) {
	t.Helper()
	if !eventually(func() bool {
		return errors.Is(s.Update(func(*visit) error { return nil }), session.ErrHeadersSent)
	}) {
		t.Error("the request is over, and its handle still takes changes: call Finish when the handler has returned")
	}
}

// renewalClientGone: a renewal is not made for a client that has left.
func renewalClientGone(t *testing.T, on setup) {
	if !contextsEnd(t, on) {
		t.Log("the adapter's framework does not say when a client has left")
		return
	}
	handles := make(chan *session.Session[visit], 1)
	opts, renewals := shortly()
	si := open(t, on, opts, routes{"/slow": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		outlast()
		renewals.Store(0)
		si.gate.pass()
		si.clientLeaves(r)
		handles <- s
	}})
	v := si.known()
	c := si.send("/slow", cookie(v.token()))
	si.gate.await(t, 1)
	c.Close()
	si.gate.open()
	awaitEnd(t, receive(t, handles))
	if renewals.Load() > 0 {
		t.Error("the client had left, and its secret was renewed: the new one reaches nobody, which the Exchange knows by the request's context")
	}
	v.get("/read").wants(t, 200, "1")
}

// renewalTakenOver: a renewal is not made if the handler takes over the
// connection. It may answer by itself without a cookie, like a WebSocket
// handshake.
func renewalTakenOver(t *testing.T, on setup) {
	if !featuresOf(t, on).takesOver {
		t.Log("no handler of the adapter's framework can tell it that the connection is taken over: Request.TakeOver is nil")
		return
	}
	handles := make(chan *session.Session[visit], 1)
	opts, renewals := shortly()
	si := open(t, on, opts, routes{"/socket": func(si *site, r Request) {
		if s := si.session(r); s != nil {
			outlast()
			renewals.Store(0)
			r.TakeOver("hello")
			handles <- s
		}
	}})
	v := si.known()
	v.get("/socket").wants(t, 200, "hello")
	awaitEnd(t, receive(t, handles))
	if renewals.Load() > 0 {
		t.Error("the connection was taken over, and the secret was renewed: the new one reaches nobody, so tell Commit by Response.Hijacked")
	}
	v.get("/read").wants(t, 200, "1")
}

// loginReaches: the cookie of a login is in the header, in whatever way the
// response begins, even if the handler takes over the connection.
func loginReaches(t *testing.T, on setup) {
	for _, way := range featuresOf(t, on).ways {
		t.Run(way, func(t *testing.T) {
			si := open(t, on, nil, routes{"/login": func(si *site, r Request) {
				s := si.session(r)
				if s == nil {
					return
				}
				if err := s.Login("alice", nil); err != nil {
					refuse(r, err)
					return
				}
				r.respond(r.query(), "hello")
			}})
			v := si.known()
			old := v.token()
			a := v.get("/login?" + url.QueryEscape(way))
			a.wants(t, 200, "hello")
			if got := a.token(); got == "" || got == old {
				t.Error("a login has no new cookie in the header that is sent: commit before the first byte of the response, and add what Commit returns")
			}
			v.get("/read").wants(t, 200, "1 alice")
		})
	}
}
