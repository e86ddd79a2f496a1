package adaptertest

import (
	"testing"
)

func costLaws() []law {
	return []law{
		{"UnusedIsFree", unusedIsFree},
		{"ReadIsOneLoad", readIsOneLoad},
		{"UnchangedIsNotWritten", unchangedIsNotWritten},
	}
}

// unusedIsFree: a request that does not ask for its session leaves no trace.
func unusedIsFree(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/plain": func(_ *site, r Request) { r.Respond(200, "hello") }})
	token := si.known().token()
	for name, lines := range map[string][]string{
		"without a cookie":   nil,
		"with a session":     {cookie(token)},
		"with an old cookie": {cookie(someToken())},
	} {
		a := si.raw("/plain", lines...)
		a.wants(t, 200, "hello")
		if calls := si.store.took(); calls != "" {
			t.Errorf("%s: the store saw %q, want nothing: load when the handler asks", name, calls)
		}
		for _, header := range []string{"Set-Cookie", "Vary", "Cache-Control"} {
			if got := a.header[header]; len(got) > 0 {
				t.Errorf("%s: got %s %q, want none: the handler did not ask for its session", name, header, got)
			}
		}
	}
}

// readIsOneLoad: a request that reads asks the store once and sets no cookie.
func readIsOneLoad(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	v := si.known()
	a := v.get("/read")
	a.wants(t, 200, "1")
	a.wantsNoCookie(t, "the session was only read")
	if got := a.header["Cache-Control"]; len(got) > 0 {
		t.Errorf("got Cache-Control %q, want none: the session was only read", got)
	}
	if calls := si.store.took(); calls != "Load" {
		t.Errorf("the store saw %q, want one Load", calls)
	}
}

// unchangedIsNotWritten: a session that did not change, or is new and empty, is
// not written.
func unchangedIsNotWritten(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/same": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		if err := s.Update(func(v *visit) error { v.N += 0; return nil }); err != nil {
			refuse(r, err)
			return
		}
		r.Respond(200, state(s))
	}})
	for body, v := range map[string]*visitor{"new": si.visitor(), "1": si.known()} {
		a := v.get("/same")
		a.wants(t, 200, body)
		a.wantsNoCookie(t, "the session is as it was")
	}
	if calls := si.store.took(); calls != "Load" {
		t.Errorf("the store saw %q, want one Load and no write", calls)
	}
	if n := si.store.Len(); n != 1 {
		t.Errorf("the store has %d sessions, want 1: an empty one is not stored", n)
	}
}
