package adaptertest

import (
	"errors"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/gostateful/session/core"
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

// useIsRecordedAtOnce: a session that could run out under a request is made to
// last before the handler goes on.
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

// tooLate: a change that comes when the session has run out is no success.
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
	si.store.fail(down, "Touch") // which would keep it alive
	for left := 10 * time.Millisecond; ; left *= 2 {
		v := si.known()
		si.store.expireIn(t, left)
		a := v.get("/late")
		if a.status == 200 && a.body == "1" { // the request came too late itself, and began a session
			continue
		}
		if a.err != nil || a.status != 409 {
			t.Errorf("got %v, want status 409: the session ran out before its change was stored", a)
		}
		a.wantsNoCookie(t, "nothing was stored")
		return
	}
}

// lostResponse: whatever response a browser lost, its next request works or is
// told when to come again, and it can log in at once.
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

// shortly lets time ask for renewals without making a test wait.
var shortly = &session.Options{RenewEvery: 4 * time.Millisecond, StragglerWindow: 2 * time.Millisecond}

// lostRenewal: a renewal that time asked for is offered until one arrives, and
// costs nothing meanwhile.
func lostRenewal(t *testing.T, on setup) {
	si := open(t, on, shortly, nil)
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

// outlast waits until the secret of a session is due to be renewed.
func outlast(s *session.Session[visit]) {
	time.Sleep(time.Until(s.CreatedAt().Add(shortly.RenewEvery + time.Millisecond)))
}

// awaitEnd waits until a request is over, which its handle tells, and returns
// what the store has seen.
func (si *site) awaitEnd(t *testing.T, s *session.Session[visit]) string {
	t.Helper()
	if !eventually(func() bool {
		return errors.Is(s.Update(func(*visit) error { return nil }), session.ErrHeadersSent)
	}) {
		t.Error("the request is over, and its handle still takes changes: call Finish when the handler has returned")
	}
	return si.store.took()
}

// renewalClientGone: a renewal is not made for a client that has left.
func renewalClientGone(t *testing.T, on setup) {
	if !contextsEnd(t, on) {
		t.Log("the adapter's framework does not say when a client has left")
		return
	}
	handles := make(chan *session.Session[visit], 1)
	si := open(t, on, shortly, routes{"/slow": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		outlast(s)
		si.gate.pass()
		si.clientLeaves(r)
		handles <- s
	}})
	v := si.known()
	c := si.send("/slow", cookie(v.token()))
	si.gate.await(t, 1)
	c.Close()
	si.gate.open()
	if calls := si.awaitEnd(t, receive(t, handles)); calls != "Load" {
		t.Errorf("the client left, and the store saw %q, want only Load: a new secret would reach nobody, which the Exchange knows by the request's context", calls)
	}
	v.get("/read").wants(t, 200, "1")
}

// renewalTakenOver: nor for a handler that takes the connection over, as it may
// answer by itself, like a WebSocket handshake, which sends no cookie.
func renewalTakenOver(t *testing.T, on setup) {
	if !featuresOf(t, on).takesOver {
		t.Log("no handler of the adapter's framework can tell it that the connection is taken over: Request.TakeOver is nil")
		return
	}
	handles := make(chan *session.Session[visit], 1)
	si := open(t, on, shortly, routes{"/socket": func(si *site, r Request) {
		if s := si.session(r); s != nil {
			outlast(s)
			r.TakeOver("hello")
			handles <- s
		}
	}})
	v := si.known()
	v.get("/socket").wants(t, 200, "hello")
	if calls := si.awaitEnd(t, receive(t, handles)); calls != "Load" {
		t.Errorf("the connection was taken over, and the store saw %q, want only Load: a new secret would reach nobody, so tell Commit by Response.Hijacked", calls)
	}
	v.get("/read").wants(t, 200, "1")
}

// loginReaches: the cookie of a login is in the header by whichever way the
// response begins, also for a handler that takes the connection over.
func loginReaches(t *testing.T, on setup) {
	for _, way := range featuresOf(t, on).ways {
		t.Run(way, func(t *testing.T) {
			si := open(t, on, nil, routes{"/login": func(si *site, r Request) {
				s := si.session(r)
				if s == nil {
					return
				}
				if err := s.Login("alice"); err != nil {
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
