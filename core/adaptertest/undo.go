package adaptertest

import (
	"errors"
	"testing"
)

func undoLaws() []law {
	return []law{
		{"DiscardedLogin", discardedLogin},
		{"DiscardedAfterLogout", discardedAfterLogout},
	}
}

// undone is a route that logs in, then fails, and takes the login back. It
// responds, or answers with the error, as the query says.
func undone(si *site, r Request) {
	s := si.session(r)
	if s == nil {
		return
	}
	if r.query() == "Logout" {
		if err := s.Destroy(); err != nil {
			si.t.Errorf("a logout: %v", err)
		}
	}
	if err := s.Login("alice", nil); err != nil {
		si.t.Errorf("a login: %v", err)
	}
	err := s.Update(func(*visit) error { return errors.New("no room for alice") })
	if err == nil {
		si.t.Error("an Update function returned an error, and Update none")
	}
	s.Discard()
	if r.query() == "Fail" {
		r.Fail(err)
		return
	}
	r.Respond(500, "no room")
}

// discardedLogin: a login that was taken back after another failure sets no
// cookie, and nobody is logged in.
func discardedLogin(t *testing.T, on setup) {
	ways := []string{"Respond"}
	if featuresOf(t, on).fails {
		ways = append(ways, "Fail")
	}
	for _, way := range ways {
		si := open(t, on, nil, routes{"/undone": undone})
		known := si.known()
		for of, v := range map[string]*visitor{"a new visitor": si.visitor(), "a known one": known} {
			a := v.get("/undone?" + way)
			if a.err != nil || a.status != 500 {
				t.Errorf("%s of %s: got %v, want status 500, which is the handler's", way, of, a)
			}
			a.wantsNoCookie(t, "the login was taken back")
		}
		known.get("/read").wants(t, 200, "1")
		if n := si.store.Len(); n != 1 {
			t.Errorf("%s: the store has %d sessions, want the one that was there: the login was taken back", way, n)
		}
	}
}

// discardedAfterLogout: a logout before such a login still happens.
func discardedAfterLogout(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/undone": undone})
	v := si.known()
	a := v.get("/undone?Logout")
	if a.err != nil || a.status != 500 {
		t.Errorf("got %v, want status 500, which is the handler's", a)
	}
	if len(a.cookies(cookieName)) != 1 || v.token() != "" || si.store.Len() != 0 {
		t.Errorf("got the cookies %q, and the store has %d sessions, want one that removes the cookie, and none: the session was ended", a.cookies(cookieName), si.store.Len())
	}
}
