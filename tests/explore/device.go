package explore

import (
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// A device is what a browser has for the session that it is bound to. The engine
// asks whether a key is the one that it keeps, and nothing else of it.
type device struct {
	key       string
	offer     string // the challenge that the response to a login asked it to sign
	id        session.ID
	challenge string // the one that came with the last cookie
}

// spent is the answer to a refresh that has another challenge for the browser.
const spent answer = "spent"

// A news is what a response brings for the device of its browser.
type news struct {
	offer  string
	answer session.DeviceAnswer // of a registration or a refresh
}

// hears takes what a response has brought.
func (d *device) hears(n news) {
	if n.offer != "" {
		d.offer = n.offer
	}
	if n.answer.Done {
		d.id, d.challenge = n.answer.ID, n.answer.Challenge
	}
}

// register sends the key of the browser, if a response has asked for it.
func (v *visit) register(challenge string) answer {
	token := v.a.w.tokens[v.held]
	if challenge == "" || v.held == "" {
		return ok
	}
	o := v.a.begin()
	a, err := v.r.register(challenge, v.b.device.key)
	return v.heard(o, token.id, a, err, event{kind: registered, signs: challenge})
}

// ask asks for a challenge.
func (v *visit) ask() answer {
	d := &v.b.device
	if d.id == (session.ID{}) {
		return ok
	}
	o := v.a.begin()
	a, err := v.r.ask(d.id)
	return v.heard(o, d.id, a, err, event{kind: asked})
}

// refresh signs the challenge that this actor has asked for, or the one that came
// with the cookie.
func (v *visit) refresh() answer {
	w, d := v.a.w, &v.b.device
	if d.id == (session.ID{}) {
		return ok
	}
	signs := d.challenge
	if v.a.told != "" {
		signs = v.a.told
	}
	token := w.tokens[v.held]
	other := w.store.live(token.id)
	o := v.a.begin()
	a, err := v.r.refresh(d.id, signs, d.key)
	beside := v.held != "" && token.id != d.id && other != nil && other.Subject != ""
	if beside && w.store.live(token.id) != nil && w.present(token) {
		switch {
		case a.Done:
			w.fail("law 3: a refresh replaces the cookie of another session, which somebody has logged in to")
		case classify(err) == gone:
			w.fail("law 19: a refresh beside the cookie of another login ends what the browser has for that")
		}
	}
	return v.heard(o, d.id, a, err, event{kind: refreshed, signs: signs, beside: beside})
}

// present tells whether no other secret of its session was made since that of a
// token.
func (w *world) present(token issue) bool {
	for _, e := range w.events[token.id] {
		if e.makesSecret() && e.wrote > token.at {
			return false
		}
	}
	return true
}

// heard notes the answer to a request of a device.
func (v *visit) heard(o *op, id session.ID, a session.DeviceAnswer, err error, e event) answer {
	w := v.a.w
	v.a.finish(o)
	got := classify(err)
	e.who, e.key, e.signed, e.answer = v.a.who(), v.b.device.key, w.challenges[e.signs], got
	if token, known := w.tokens[v.held]; known && token.id == id {
		e.held = token.secret
	}
	switch {
	case got == unknown && o.faults == 0:
		w.fail("law 7: a %s says %s, and no call of the store failed", e.kind, got)
	case got == conflict && !w.hung, got == tooLate, got == failed:
		w.fail("law 1: a %s says %s", e.kind, got)
	case got == ok && !a.Done && e.kind == registered:
		w.fail("law 7: a registration is neither done nor refused")
	case o.wrote() && got != unknown && !a.Done:
		w.fail("law 7: a %s is refused, and writes", e.kind)
	}
	if got == ok && !a.Done && e.kind == refreshed {
		e.answer = spent
	}
	if got == ok {
		w.challenges[a.Challenge] = w.elapsed
		e.gives, v.a.told = a.Challenge, a.Challenge
	}
	if e.kind != asked {
		e.secret = w.newSecret()
	}
	n := w.note(id, o, e)
	if a.Done {
		v.device, v.news.answer = id, a
		v.noted(n, true)
	}
	return got
}

// register binds a session to a key, once.
func (s state) register(e *event, live, may, mayIdle bool, same []state) []state {
	able := live && may && s.owner != "" && s.key == "" && s.answers(e)
	after := s
	after.earlier += s.secret + ";"
	after.previous, after.until = e.held, e.at+renewEvery+window
	after = after.bind(e).use(e, idleTimeout)
	after.key, after.proven = e.key, false
	switch {
	case e.answer == ok && able:
		return []state{after}
	case e.answer == unknown && able:
		return append(same, after)
	case e.answer == unknown:
		return same
	case e.answer == gone && (!able || mayIdle):
		return same
	case e.answer == superseded && (s.over || e.held != s.secret):
		return same
	case e.answer == conflict:
		return same
	}
	return nil
}

// refresh is one by a device, which asks for no secret and is no use.
func (s state) refresh(e *event, live, idle, mayIdle bool, same []state) []state {
	its := live && !idle && s.key == e.key
	able := its && s.answers(e)
	after := s
	after.earlier += s.secret + ";"
	if _, may := s.opens(e.held, e.at); !(may && s.proven && e.held == s.previous) {
		after.previous, after.until = s.secret, s.fresh+renewEvery+window
	}
	after = after.bind(e)
	after.proven = true
	switch e.answer {
	case ok:
		if able {
			return []state{after}
		}
	case unknown:
		if able {
			return append(same, after)
		}
		return same
	case spent:
		if its && !s.answers(e) {
			s.asks += e.gives + ";"
			return []state{s}
		}
	case gone, superseded:
		// With gone the browser gives up its key, and what it has registered since. So that is
		// no answer beside the cookie of a login.
		must, _ := s.opens(e.held, e.at)
		if known := must && !mayIdle && s.owner != ""; (!its || mayIdle || e.beside) && !(known && e.answer == gone) {
			return same
		}
	case conflict:
		return same
	}
	return nil
}

// bind makes the secret that a device has got by its key.
func (s state) bind(e *event) state {
	s.secret, s.fresh, s.made, s.tried = e.secret, e.at, e.at, false
	s.asks = e.gives + ";"
	return s
}

// answers tells whether an event has signed a challenge of the present secret, in
// time.
func (s state) answers(e *event) bool {
	return e.signs != "" && strings.Contains(s.asks, e.signs+";") && e.at-e.signed < renewEvery+window
}

// overdue tells whether the present secret is one of a bound session, and past its
// time.
func (s state) overdue(at time.Duration) bool {
	return s.key != "" && at >= s.fresh+renewEvery+window
}

// last lets a bound browser refresh when all is over, and reports whether it could.
// Then its next request works (law 19).
func (w *world) last(b *browser) (refreshed bool) {
	if b.device.id == (session.ID{}) {
		return false
	}
	b.flight = nil
	a := w.auditor("last refresh")
	token := b.token
	for _, step := range []string{"ask", "refresh"} {
		v := visit{a: a, b: b, held: b.token}
		v.run([]string{step})
	}
	if b.receive(w); b.token == token {
		return false
	}
	a.script.name = "after the refresh"
	a.tags = 9 // no tag is used twice
	v := visit{a: a, b: b, held: b.token}
	v.run([]string{"get", "update"})
	if v.visitor || v.answer != ok {
		w.fail("law 19: browser %d has refreshed, and its next request is told %q, or is that of a visitor", b.n, v.answer)
	}
	return true
}
