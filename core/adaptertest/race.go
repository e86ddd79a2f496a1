package adaptertest

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func raceLaws() []law {
	return []law{
		{"Increments", increments},
		{"Visitors", visitors},
		{"LogoutWins", logoutWins},
		{"LogoutThenFlash", logoutThenFlash},
		{"LoginThenStraggler", loginThenStraggler},
		{"LoginDuringRead", loginDuringRead},
		{"LoginDuringChange", loginDuringChange},
		{"LoginDuringLogout", loginDuringLogout},
		{"ChangeDuringLogin", changeDuringLogin},
		{"UnknownToken", unknownToken},
		{"PlantedSession", plantedSession},
	}
}

// increments: many simultaneous changes of one session lose nothing.
func increments(t *testing.T, on setup) {
	const n = 200
	opts := &session.Options{StoreTimeout: time.Minute} // this law tests no limit
	si := open(t, on, opts, routes{"/slow": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		si.gate.pass() // all have read before the first one writes
		if err := s.Update(count); err != nil {
			refuse(r, err)
			return
		}
		r.Respond(200, "hello")
	}})
	v := si.known()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { v.get("/slow").wants(t, 200, "hello") })
	}
	si.gate.await(t, n)
	si.gate.open()
	all.Wait()
	v.get("/read").wants(t, 200, fmt.Sprint(1+n))
}

// visitors: the sessions of many simultaneous visitors stay apart, on
// connections that are used again.
func visitors(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	var all sync.WaitGroup
	for range 8 {
		v := si.visitor()
		v.client.Transport.(*http.Transport).DisableKeepAlives = false
		all.Go(func() {
			for i := range 20 {
				v.get("/count").wants(t, 200, fmt.Sprint(i+1))
			}
		})
	}
	all.Wait()
}

// held is a route that waits between the load and the action that the query
// names.
func held(si *site, r Request) {
	s := si.session(r)
	if s == nil {
		return
	}
	si.gate.pass()
	var err error
	switch r.query() {
	case "count":
		err = s.Update(count)
	case "login":
		err = s.Login("alice", nil)
	case "logout":
		err = s.Destroy()
	case "flash":
		if err = s.Destroy(); err == nil {
			err = s.Update(count)
		}
	}
	if err != nil {
		refuse(r, err)
		return
	}
	r.Respond(200, "hello")
}

// during sends a request of v's session and holds it before doing. Meanwhile
// something happens. It returns how the held request ended. The cookies of that
// request do not reach v.
func (si *site) during(v *visitor, doing string, meanwhile func()) answer {
	si.t.Helper()
	ended := make(chan answer, 1)
	line := cookie(v.token())
	go func() {
		resp, err := si.send("/held?"+doing, line).next()
		if err != nil {
			ended <- answer{err: err}
			return
		}
		ended <- read(resp)
	}()
	si.gate.await(si.t, 1)
	meanwhile()
	si.gate.open()
	return receive(si.t, ended)
}

// logoutWins: a change to a session that ended meanwhile counts as if it came
// before the end.
func logoutWins(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/held": held})
	v := si.known()
	token := v.token()
	a := si.during(v, "count", func() { v.get("/logout").wants(t, 200, "new") })
	a.wants(t, 200, "hello")
	a.wantsNoCookie(t, "the session ended meanwhile")
	if si.store.Len() != 0 {
		t.Error("a request that was in flight brought the session back after the logout")
	}
	si.raw("/read", cookie(token)).wants(t, 200, "new")
}

// logoutThenFlash: a slow logout that leaves a message for the next page drops
// the message if another request of the browser was faster. Otherwise its
// cookie would replace that of a login since.
func logoutThenFlash(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/held": held})
	v := si.known()
	a := si.during(v, "flash", func() {
		v.get("/logout").wants(t, 200, "new")
		v.get("/login").wants(t, 200, "0 alice")
	})
	a.wants(t, 200, "hello")
	a.wantsNoCookie(t, "it would stand over the one that the login handed out")
	v.get("/read").wants(t, 200, "0 alice")
	if n := si.store.Len(); n != 1 {
		t.Errorf("the store has %d sessions, want the one of the login", n)
	}
}

// loginThenStraggler: a request that still carries the secret from before a
// login reads nothing, and leaves the cookie and the session alone.
func loginThenStraggler(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	v := si.known()
	old := v.token()
	v.get("/login").wants(t, 200, "1 alice")
	for target, status := range map[string]int{"/read": 200, "/count": 409, "/logout": 409} {
		a := si.raw(target, cookie(old))
		if a.err != nil || a.status != status || a.body == "1 alice" {
			t.Errorf("%s: got %v, want status %d and nothing of the session", target, a, status)
		}
		a.wantsNoCookie(t, "it would stand over the one that the login handed out")
	}
	si.wantsLogin(v)
}

// wantsLogin checks that the login of v stands and is alone.
func (si *site) wantsLogin(v *visitor) {
	si.t.Helper()
	v.get("/read").wants(si.t, 200, "1 alice")
	if n := si.store.Len(); n != 1 {
		si.t.Errorf("the store has %d sessions, want the one of the login", n)
	}
}

// loginDuringRead: a request that loaded its session before the login sets no
// cookie.
func loginDuringRead(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/held": held})
	v := si.known()
	a := si.during(v, "read", func() { v.get("/login").wants(t, 200, "1 alice") })
	a.wants(t, 200, "hello")
	a.wantsNoCookie(t, "it would stand over the one that the login handed out")
	si.wantsLogin(v)
}

// loginDuringChange: such a request does not change the session, and gets an
// error.
func loginDuringChange(t *testing.T, on setup) {
	loginDuring(t, on, "count")
}

// loginDuringLogout: such a request does not end the session that the login
// made.
func loginDuringLogout(t *testing.T, on setup) {
	loginDuring(t, on, "logout")
}

func loginDuring(t *testing.T, on setup, doing string) {
	t.Helper()
	si := open(t, on, nil, routes{"/held": held})
	v := si.known()
	a := si.during(v, doing, func() { v.get("/login").wants(t, 200, "1 alice") })
	if a.err != nil || a.status != session.HTTPStatus(session.ErrSuperseded) {
		t.Errorf("got %v, want status %d: the request lost against the login", a, session.HTTPStatus(session.ErrSuperseded))
	}
	a.wantsNoCookie(t, "it would stand over the one that the login handed out")
	si.wantsLogin(v)
}

// changeDuringLogin: in the other order both the change and the login count.
func changeDuringLogin(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/held": held})
	v := si.known()
	a := si.during(v, "login", func() { v.get("/count").wants(t, 200, "2") })
	a.wants(t, 200, "hello")
	if a.token() == "" || a.token() == v.token() {
		t.Fatal("a login has no new cookie")
	}
	si.raw("/read", cookie(a.token())).wants(t, 200, "2 alice")
	si.raw("/read", cookie(v.token())).wants(t, 200, "new")
}

// unknownToken: a token that the server did not issue is never adopted.
func unknownToken(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	for target, body := range map[string]string{"/count": "1", "/login": "0 alice"} {
		planted := someToken()
		a := si.raw(target, cookie(planted))
		a.wants(t, 200, body)
		if got := a.token(); got == "" || got[:21] == planted[:21] { // 21 characters hold 126 bits of the ID
			t.Errorf("%s: the session has the cookie %q, want another one than the planted %q", target, got, planted)
		}
		si.raw("/read", cookie(planted)).wants(t, 200, "new")
		si.raw("/read", cookie(a.token())).wants(t, 200, body)
	}
}

// plantedSession: if an attacker planted a session in a browser, its cookie is
// worthless after the login.
func plantedSession(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	attacker := si.known()
	a := si.raw("/login", cookie(attacker.token()))
	a.wants(t, 200, "1 alice")
	if got := a.token(); got == "" || got == attacker.token() {
		t.Fatal("a login left the secret as it was: the new cookie has to reach the client")
	}
	si.raw("/read", cookie(a.token())).wants(t, 200, "1 alice")
	attacker.get("/read").wants(t, 200, "new")
}
