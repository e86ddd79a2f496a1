package adaptertest

import (
	"io"
	"net/url"
	"testing"
)

func commitLaws() []law {
	return []law{
		{"CommitFirst", commitFirst},
		{"ExplicitCommit", explicitCommit},
		{"LostReply", lostReply},
		{"Stream", stream},
		{"Informational", informational},
	}
}

// changed is a route that changes the session, and then begins the response in
// the way that the query names.
func changed(si *site, r Request) {
	if si.incremented(r) != nil {
		r.respond(r.query(), "hello")
	}
}

// bodyOf returns what a client gets of "hello".
func bodyOf(way string) string {
	if way == "Implicit" {
		return ""
	}
	return "hello"
}

func commitFirst(t *testing.T, on setup) {
	for _, way := range append(featuresOf(t, on).ways, "Implicit") {
		t.Run(way, func(t *testing.T) {
			si := open(t, on, nil, routes{"/way": changed})
			resp, err := si.send("/way?" + url.QueryEscape(way)).next()
			if err != nil {
				t.Fatalf("no response: %v", err)
			}
			if si.store.Len() != 1 {
				t.Error("the client has the header, and the session is not in the store: commit before the first byte of the response")
			}
			a := read(resp)
			a.wants(t, 200, bodyOf(way))
			if a.token() == "" {
				t.Fatal("the header has no cookie of the new session: commit before the first byte of the response, and add what Commit returns")
			}
			si.raw("/read", cookie(a.token())).wants(t, 200, "1")
		})
	}
}

// explicitCommit: if the handler commits the session itself, the response has
// the cookie, and later changes are committed too.
func explicitCommit(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/commit": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		err := s.Update(count)
		if err == nil {
			err = s.Commit(r.Context)
		}
		if err == nil {
			err = s.Update(count)
		}
		if err != nil {
			refuse(r, err)
			return
		}
		r.Respond(200, state(s))
	}})
	v := si.visitor()
	v.get("/commit").wants(t, 200, "2")
	v.get("/read").wants(t, 200, "2")
}

// lostReply: a write whose reply was lost is looked up and not repeated. It is
// no failure.
func lostReply(t *testing.T, on setup) {
	si := open(t, on, nil, nil)
	v := si.visitor()
	si.store.fail(loses, "Create")
	v.get("/count").wants(t, 200, "1")
	si.store.fail(loses, "Update")
	v.get("/count").wants(t, 200, "2")
	v.get("/read").wants(t, 200, "2")
}

func stream(t *testing.T, on setup) {
	if !featuresOf(t, on).streams {
		t.Log("the adapter's framework has no streams: Request.Stream is nil")
		return
	}
	si := open(t, on, nil, routes{"/stream": func(si *site, r Request) {
		if si.incremented(r) == nil {
			return
		}
		r.Stream(func(send func(string) error) {
			if err := send("one"); err != nil {
				si.t.Errorf("send the first part: %v", err)
			}
			si.gate.pass()
			if err := send("two"); err != nil {
				si.t.Errorf("send the second part: %v", err)
			}
		})
	}})
	c := si.send("/stream")
	resp, err := c.next()
	if err != nil {
		t.Fatalf("no header while the stream runs: %v", err)
	}
	defer resp.Body.Close()
	a := answer{header: resp.Header}
	if a.token() == "" {
		t.Fatal("the header of a stream has no cookie of the new session: commit before it is sent")
	}
	first := make([]byte, len("one"))
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatalf("got %q of the first part while the stream runs, then: %v", first, err)
	}
	si.gate.await(t, 1)
	si.raw("/read", cookie(a.token())).wants(t, 200, "1")
	si.gate.open()
	if rest, err := io.ReadAll(resp.Body); string(rest) != "two" || err != nil {
		t.Errorf("got the second part %q, %v, want %q", rest, err, "two")
	}
}

func informational(t *testing.T, on setup) {
	if !featuresOf(t, on).informs {
		t.Log("the adapter's framework sends no interim responses: Request.Inform is nil")
		return
	}
	si := open(t, on, nil, routes{"/inform": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		err := s.Update(count)
		r.Inform(103)
		if si.store.Len() > 0 {
			si.t.Error("a response of status 103 committed the session: it is not the final one")
		}
		if err == nil {
			err = s.Update(count)
		}
		if err != nil {
			refuse(r, err)
			return
		}
		r.Respond(200, state(s))
	}})
	c := si.send("/inform")
	resp, err := c.next()
	if err != nil {
		t.Fatalf("no interim response: %v", err)
	}
	if resp.StatusCode != 103 {
		t.Fatalf("got status %d first, want 103", resp.StatusCode)
	}
	answer{header: resp.Header}.wantsNoCookie(t, "the interim response of status 103 is not what the session belongs to")
	if resp, err = c.next(); err != nil {
		t.Fatalf("no response after the interim one: %v", err)
	}
	a := read(resp)
	a.wants(t, 200, "2")
	if a.token() == "" {
		t.Error("the final response has no cookie: a 1xx must not end the phase in which one can be sent")
	}
}
