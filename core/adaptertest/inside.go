package adaptertest

import (
	"net/url"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

func insideLaws() []law {
	return []law{
		{"InsideUpdate", insideUpdate},
	}
}

// insideUpdate: an Update function that begins the response, or calls the
// session, would wait for itself. It gets an error that names the mistake, and
// the client gets no success. If the framework buffers responses, none begins
// there.
func insideUpdate(t *testing.T, on setup) {
	for _, way := range featuresOf(t, on).ways {
		t.Run(way, func(t *testing.T) {
			inside(t, on, "/inside?"+url.QueryEscape(way), func(_ *session.Session[visit], r Request) error {
				r.respond(r.query(), "hello")
				return nil
			})
		})
	}
	for name, call := range map[string]func(s *session.Session[visit], r Request) error{
		"CallsUpdate":  func(s *session.Session[visit], _ Request) error { return s.Update(count) },
		"CallsLogin":   func(s *session.Session[visit], _ Request) error { return s.Login("alice", nil) },
		"CallsRenew":   func(s *session.Session[visit], _ Request) error { return s.Renew() },
		"CallsDestroy": func(s *session.Session[visit], _ Request) error { return s.Destroy() },
		"CallsCommit":  func(s *session.Session[visit], r Request) error { return s.Commit(r.Context) },
		"CallsTouch":   func(s *session.Session[visit], r Request) error { return s.Touch(r.Context) },
	} {
		t.Run(name, func(t *testing.T) { inside(t, on, "/inside", call) })
	}
}

// inside does something in an Update function and checks the outcome.
func inside(t *testing.T, on setup, target string, do func(*session.Session[visit], Request) error) {
	t.Helper()
	results := make(chan error, 1)
	si := open(t, on, nil, routes{"/inside": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		err := s.Update(func(v *visit) error {
			v.N++
			return do(s, r)
		})
		results <- err
		if err != nil {
			refuse(r, err)
		}
	}})
	v := si.known()
	a := si.raw(target, cookie(v.token()))
	switch err := receive(t, results); {
	case a.err != nil:
		t.Errorf("got %v, want an answer: nothing may wait for an Update function in that function, so call Commit on the goroutine that begins the response", a)
	case err == nil:
		a.wants(t, 200, "hello")
		v.get("/read").wants(t, 200, "2")
	default:
		if !strings.Contains(err.Error(), "inside an Update function") {
			t.Errorf("got the error %v, want one that names the mistake", err)
		}
		if a.status != 500 || strings.Contains(a.body, "hello") {
			t.Errorf("got %v, want status 500 in place of the handler's response: that was begun inside an Update function", a)
		}
		a.wantsNoCookie(t, "nothing was stored")
		v.get("/read").wants(t, 200, "1")
	}
}
