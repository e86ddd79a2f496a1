package adaptertest

import (
	"errors"
	"io"
	"net/url"
	"testing"

	session "github.com/gostateful/session/core"
)

func lateLaws() []law {
	return []law{
		{"LateChange", lateChange},
		{"LateLogout", lateLogout},
		{"LateNewSession", lateCookie((*site).visitor, func(s *session.Session[visit]) error { return s.Update(count) }, "1")},
		{"LateLogin", lateCookie((*site).known, func(s *session.Session[visit]) error { return s.Login("alice", nil) }, "1 alice")},
		{"LateRenew", lateCookie((*site).known, func(s *session.Session[visit]) error { return s.Renew() }, "1")},
		{"LateInStream", lateInStream},
		{"LateFailure", lateFailure},
		{"LateFailureInStream", lateFailureInStream},
	}
}

// lateChange: a change after the response has begun is saved.
func lateChange(t *testing.T, on setup) {
	for _, way := range featuresOf(t, on).ways {
		t.Run(way, func(t *testing.T) {
			si := open(t, on, nil, routes{"/late": func(si *site, r Request) {
				s := si.session(r)
				if s == nil {
					return
				}
				r.respond(r.query(), "hello")
				if err := s.Update(count); err != nil {
					si.t.Errorf("a late change of a session that is stored: %v", err)
				}
			}})
			v := si.known()
			v.get("/late?"+url.QueryEscape(way)).wants(t, 200, "hello")
			if !eventually(func() bool { return v.get("/read").body == "2" }) {
				t.Error("a change that was made after the response had begun is lost: call Finish when the handler has returned")
			}
		})
	}
}

// lateLogout: a logout after the response has begun is stored too.
func lateLogout(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/late": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		r.Respond(200, "hello")
		if err := s.Destroy(); err != nil {
			si.t.Errorf("a late logout: %v", err)
		}
	}})
	si.known().get("/late").wants(t, 200, "hello")
	if !eventually(func() bool { return si.store.Len() == 0 }) {
		t.Error("a logout that came after the response had begun left the session in the store: call Finish when the handler has returned")
	}
}

// lateCookie: after the header is sent, a change that needs a cookie is too
// late, and gets an error. If the framework buffers responses, it may still be
// in time, and then all of it is done.
func lateCookie(visitor func(*site) *visitor, change func(*session.Session[visit]) error, done string) func(*testing.T, setup) {
	return func(t *testing.T, on setup) {
		for _, way := range featuresOf(t, on).ways {
			t.Run(way, func(t *testing.T) {
				results := make(chan error, 1)
				si := open(t, on, nil, routes{"/late": func(si *site, r Request) {
					if s := si.session(r); s != nil {
						r.respond(r.query(), "hello")
						results <- change(s)
					}
				}})
				v := visitor(si)
				token, sessions := v.token(), si.store.Len()
				a := v.get("/late?" + url.QueryEscape(way))
				a.wants(t, 200, "hello")
				switch err := receive(t, results); {
				case errors.Is(err, session.ErrHeadersSent):
					a.wantsNoCookie(t, "the change was refused")
					if got := si.store.Len(); got != sessions || v.token() != token {
						t.Errorf("the change was refused, and the store has %d sessions, want %d", got, sessions)
					}
				case err != nil:
					t.Errorf("got the error %v, want ErrHeadersSent", err)
				case a.token() == "" || a.token() == token:
					t.Error("a change that needs a cookie was accepted, and the cookie did not come: commit before the first byte, or it cannot be refused")
				default:
					v.get("/read").wants(t, 200, done)
				}
			})
		}
	}
}

// lateInStream: a stream runs after its header. So a change in it is saved or
// refused, and a change that needs a cookie is refused.
func lateInStream(t *testing.T, on setup) {
	if !featuresOf(t, on).streams {
		t.Log("the adapter's framework has no streams: Request.Stream is nil")
		return
	}
	type outcome struct{ login, update error }
	results := make(chan outcome, 1)
	si := open(t, on, nil, routes{"/stream": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		r.Stream(func(send func(string) error) {
			_ = send("one")
			si.gate.pass()
			results <- outcome{s.Login("alice", nil), s.Update(count)}
			_ = send("two")
		})
	}})
	v := si.known()
	c := si.send("/stream", cookie(v.token()))
	resp, err := c.next()
	if err != nil {
		t.Fatalf("no header while the stream runs: %v", err)
	}
	defer resp.Body.Close()
	si.gate.await(t, 1) // the header has been read
	si.gate.open()
	if body, err := io.ReadAll(resp.Body); string(body) != "onetwo" || err != nil {
		t.Errorf("got the body %q, %v, want %q", body, err, "onetwo")
	}
	switch got := receive(t, results); {
	case !errors.Is(got.login, session.ErrHeadersSent):
		t.Errorf("a login after the header: got the error %v, want ErrHeadersSent", got.login)
	case errors.Is(got.update, session.ErrHeadersSent):
		v.get("/read").wants(t, 200, "1")
	case got.update != nil:
		t.Errorf("a change after the header: got the error %v, want none, or ErrHeadersSent", got.update)
	case !eventually(func() bool { return v.get("/read").body == "2" }):
		t.Error("a change that a stream made is lost: call Finish when the stream has ended, or before it begins")
	}
}

// lateFailure: a late change that cannot be saved does not look like a success.
func lateFailure(t *testing.T, on setup) {
	si := open(t, on, nil, routes{"/late": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		r.Respond(200, "hello")
		if err := s.Update(count); err != nil {
			si.t.Errorf("a late change of a session that is stored: %v", err)
		}
		si.store.fail(down, everyMethod...)
	}})
	if a := si.known().get("/late"); !a.failed() {
		t.Errorf("got %v, want a failure: the session could not be written; cut the connection when Finish returns an error", a)
	}
}

func lateFailureInStream(t *testing.T, on setup) {
	if !featuresOf(t, on).streams {
		t.Log("the adapter's framework has no streams: Request.Stream is nil")
		return
	}
	results := make(chan error, 1)
	si := open(t, on, nil, routes{"/stream": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		r.Stream(func(send func(string) error) {
			_ = send("one")
			results <- s.Update(count)
			si.store.fail(down, everyMethod...)
			_ = send("two")
		})
	}})
	a := si.known().get("/stream")
	if err := receive(t, results); err == nil && !a.failed() {
		t.Errorf("got %v, want a response that ends in a failure: the change could not be written; cut the connection when Finish returns an error", a)
	} else if err != nil && !errors.Is(err, session.ErrHeadersSent) {
		t.Errorf("a change after the header: got the error %v, want none, or ErrHeadersSent", err)
	}
}
