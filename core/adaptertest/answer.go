package adaptertest

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func answerLaws() []law {
	return []law{
		{"FailureTellsWhen", failureTellsWhen},
		{"FailureTellsNothing", failureTellsNothing},
		{"ReturnedErrorTellsNothing", returnedErrorTellsNothing},
	}
}

// outage is an answer of the adapter to a store that is lost.
func outage(t *testing.T, on setup) answer {
	t.Helper()
	si := open(t, on, nil, routes{"/way": broken})
	return si.raw("/way?Respond")
}

// lost is one to a change that lost against a login.
func lost(t *testing.T, on setup) answer {
	t.Helper()
	si := open(t, on, nil, routes{"/held": held})
	v := si.known()
	return si.during(v, "count", func() { v.get("/login") })
}

// refused is one to a change that its own function refuses to make again.
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

// failureTellsWhen: the answer to a commit that failed says when to come again,
// and no cache keeps it.
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

// failureTellsNothing: the error is for the log. It has the store's address in
// it, and what an Update function said.
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

// returnedErrorTellsNothing: where handlers return errors, they return ours too,
// and the framework shows some errors to the client.
func returnedErrorTellsNothing(t *testing.T, on setup) {
	if !featuresOf(t, on).fails {
		t.Log("handlers of the adapter's framework return no errors: Request.Fail is nil")
		return
	}
	si := open(t, on, nil, routes{"/fail": func(si *site, r Request) {
		s, err := si.Get(r.Context)
		if err == nil {
			err = s.Update(count)
		}
		if err == nil {
			err = s.Update(func(*visit) error { return s.Update(count) })
		}
		r.Fail(err)
	}})
	v := si.known()
	old := cookie(v.token())
	v.get("/login")
	wants := func(status int, a answer) {
		t.Helper()
		if a.err != nil || a.status != status {
			t.Errorf("got %v, want status %d, which is that of the error that the handler returned", a, status)
		}
		a.wantsNoCookie(t, "nothing was stored")
		a.wantsNoError(t)
	}
	wants(409, si.raw("/fail", old))
	wants(500, si.raw("/fail", old, "Cookie: "+cookieName+"="+v.token()))
	si.store.fail(down, everyMethod...)
	a := v.get("/fail")
	wants(503, a)
	a.wantsRetryAfter(t, 1)
}
