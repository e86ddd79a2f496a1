package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

func answerLaws() []law {
	return []law{
		{"FailureTellsWhen", failureTellsWhen},
		{"FailureTellsNothing", failureTellsNothing},
		{"ReturnedErrorTellsNothing", returnedErrorTellsNothing},
		{"ReturnedErrorTellsWhen", returnedErrorTellsWhen},
		{"OwnErrorStays", ownErrorStays},
	}
}

// outage returns the adapter's answer while the store is lost.
func outage(t *testing.T, on setup) answer {
	t.Helper()
	si := open(t, on, nil, routes{"/way": broken})
	return si.raw("/way?Respond")
}

// lost returns the adapter's answer to a change that lost against a login.
func lost(t *testing.T, on setup) answer {
	t.Helper()
	si := open(t, on, nil, routes{"/held": held})
	v := si.known()
	return si.during(v, "count", func() { v.get("/login") })
}

// refused returns the adapter's answer to a change whose function refuses the
// newer data.
func refused(t *testing.T, on setup) answer {
	t.Helper()
	si := open(t, on, nil, routes{"/once": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		err := s.Update(func(v *visit) error {
			if v.N > 1 {
				return errors.New("an account number of " + address)
			}
			v.N++
			return nil
		})
		if err != nil {
			refuse(r, err)
			return
		}
		si.gate.pass()
		r.Respond(200, "hello")
	}})
	v := si.known()
	answers := make(chan answer, 1)
	line := cookie(v.token())
	go func() { answers <- si.raw("/once", line) }()
	si.gate.await(t, 1)
	v.get("/count").wants(t, 200, "2")
	si.gate.open()
	return receive(t, answers)
}

// failureTellsWhen: the answer to a failed commit says when to come again, and
// no cache keeps it.
func failureTellsWhen(t *testing.T, on setup) {
	for status, a := range map[int]answer{503: outage(t, on), 409: lost(t, on)} {
		if a.err != nil || a.status != status {
			t.Errorf("got %v, want status %d", a, status)
		}
		a.wantsRetryAfter(t, map[int]int{503: 1, 409: 60}[status])
		a.wantsNoCookie(t, "nothing was stored")
		for name, want := range map[string]string{"Cache-Control": "no-store", "Vary": "Cookie"} {
			if got := a.header[name]; !slices.Equal(got, []string{want}) {
				t.Errorf("the answer of status %d has %s %q, want %q: add the Header that Commit returns, also on an error", status, name, got, want)
			}
		}
	}
}

// failureTellsNothing: only the log shows the error. It has the store's address
// in it, and the error of an Update function.
func failureTellsNothing(t *testing.T, on setup) {
	for status, a := range map[int]answer{503: outage(t, on), 409: refused(t, on)} {
		if a.err != nil || a.status != status {
			t.Errorf("got %v, want status %d", a, status)
		}
		a.wantsNoError(t)
	}
}

// wantsNoError checks that a client sees no error of the engine or the store.
func (a answer) wantsNoError(t *testing.T) {
	t.Helper()
	all := a.body
	for name, values := range a.header {
		all += "\n" + name + ": " + strings.Join(values, "\n")
	}
	if strings.Contains(all, "session: ") || strings.Contains(all, address) {
		t.Errorf("the client sees the text of an error:\n%s", all)
	}
}

// mistakes are calls that a program must not make. Each returns its error.
var mistakes = []struct {
	name string
	make func(si *site, s *session.Session[visit]) error
}{
	{"InsideUpdate", func(_ *site, s *session.Session[visit]) error {
		return s.Update(func(*visit) error { return s.Update(count) })
	}},
	{"NoFunction", func(_ *site, s *session.Session[visit]) error { return s.Update(nil) }},
	{"NoSubject", func(_ *site, s *session.Session[visit]) error { return s.Login("", nil) }},
	{"NotRemembered", func(_ *site, s *session.Session[visit]) error {
		return s.Login("alice", &session.LoginOptions{Remember: true})
	}},
	{"NoSession", func(si *site, _ *session.Session[visit]) error { _, err := si.Get(context.Background()); return err }},
	{"NoID", func(*site, *session.Session[visit]) error { _, err := session.ParseID("7"); return err }},
	{"ZeroID", func(si *site, _ *session.Session[visit]) error {
		return si.Revoke(context.Background(), session.ID{})
	}},
	{"Flattened", func(*site, *session.Session[visit]) error {
		return fmt.Errorf("no basket: %v", fmt.Errorf("%w: load: dial tcp %s", session.ErrUnavailable, address))
	}},
}

// failing opens a site whose page /fail answers with an error: of Get, of
// Update, or of the mistake that the query names.
func failing(t *testing.T, on setup) *site {
	t.Helper()
	if !featuresOf(t, on).fails {
		t.Log("handlers of the adapter's framework answer with no errors: Request.Fail is nil")
		return nil
	}
	return open(t, on, nil, routes{"/fail": func(si *site, r Request) {
		s, err := si.Get(r.Context)
		if err == nil {
			err = s.Update(count)
		}
		for _, mistake := range mistakes {
			if err == nil && mistake.name == r.query() {
				err = mistake.make(si, s)
			}
		}
		r.Fail(err)
	}})
}

// returnedErrorTellsNothing: if handlers return errors, they also return those
// of sessions, and the framework shows some errors to the client.
func returnedErrorTellsNothing(t *testing.T, on setup) {
	si := failing(t, on)
	if si == nil {
		return
	}
	wants := func(of string, status int, a answer) {
		t.Helper()
		if a.err != nil || a.status != status {
			t.Errorf("%s: got %v, want status %d, which is that of the error that the handler returned", of, a, status)
		}
		a.wantsNoError(t)
	}
	v := si.known()
	for _, mistake := range mistakes {
		wants(mistake.name, 500, si.raw("/fail?"+mistake.name, cookie(v.token())))
	}
	old := cookie(v.token())
	v.get("/login")
	a := si.raw("/fail", old)
	wants("a straggler", 409, a)
	a.wantsNoCookie(t, "nothing was stored")
	si.store.fail(down, everyMethod...)
	wants("an outage", 503, v.get("/fail"))
}

// returnedErrorTellsWhen: the answer to such an error says when to come again,
// and no cache keeps it, as after a failed commit.
func returnedErrorTellsWhen(t *testing.T, on setup) {
	si := failing(t, on)
	if si == nil {
		return
	}
	v := si.known()
	old := cookie(v.token())
	v.get("/login")
	straggler := si.raw("/fail", old)
	straggler.wantsRetryAfter(t, 60)
	if got := straggler.header.Get("Retry-After"); got == "1" {
		t.Errorf("a straggler is told to come again in %s s, want the end of its window, a minute: keep what Commit says", got)
	}
	si.store.fail(down, everyMethod...)
	outage := v.get("/fail")
	outage.wantsRetryAfter(t, 1)
	for of, a := range map[string]answer{"a straggler": straggler, "an outage": outage} {
		if got := a.header["Cache-Control"]; !slices.Equal(got, []string{"no-store"}) {
			t.Errorf("the answer to %s, by an error that the handler returned, has Cache-Control %q, want no-store", of, got)
		}
		if got := strings.ToLower(strings.Join(a.header["Vary"], ", ")); got != "cookie" {
			t.Errorf("the answer to %s has Vary %q, want Cookie once", of, got)
		}
	}
}

// ownErrorStays: an error of the application is answered as without the
// adapter, even if its text begins like one of a session.
func ownErrorStays(t *testing.T, on setup) {
	if !featuresOf(t, on).fails {
		t.Log("handlers of the adapter's framework answer with no errors: Request.Fail is nil")
		return
	}
	full := routes{"/full": func(_ *site, r Request) { r.Fail(errors.New("session: the talk of this evening is full")) }}
	bare := newSite(t, on, nil, full)
	bare.serve(on.start, asItIs)
	want := bare.bytes("/full")
	if got := open(t, on, nil, full).bytes("/full"); got != want {
		t.Errorf("the answer to an error of the application is\n%s\nand without the adapter\n%s", got, want)
	}
}
