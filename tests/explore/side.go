package explore

import (
	"fmt"
	"strings"

	session "github.com/gostateful/session/core"
)

// play does what a script says:
//
//	job        changes the session of the browser
//	revoke     ends it
//	revokeall  ends all of the owner
//	cross      is another site on the store, with a cookie of its own
//	realm      is another realm on the store, and tries all of these
//
// Requests of one script have a / between them.
func (a *actor) play() {
	w := a.w
	b := w.browsers[a.script.browser]
	switch a.script.steps {
	case "job":
		a.job(b.first)
	case "revoke":
		o := a.begin()
		got := classify(w.eng.revoke(a.context(), b.first))
		a.finish(o)
		a.end(o, got, b.first, event{kind: revoked})
	case "revokeall":
		o := a.begin()
		got := classify(w.eng.revokeAll(a.context(), owner))
		a.finish(o)
		for _, b := range w.browsers {
			a.end(o, got, b.first, event{kind: swept})
		}
	case "cross":
		a.strange(w.newEngine(setting{cookie: otherCookie}), b)
	case "realm":
		other := w.newEngine(setting{realm: "other"})
		a.strange(other, b)
		a.meddle(other, b)
	default:
		for request := range strings.SplitSeq(a.script.steps, "/") {
			v := visit{a: a, b: b, held: b.token}
			if a.script.bare {
				v.held = ""
			}
			v.run(strings.Fields(request))
		}
	}
}

func (a *actor) end(o *op, got answer, id session.ID, e event) {
	if got != ok && got != unknown {
		a.w.fail("law 2: %s says %s", a.script.steps, got)
	}
	e.who, e.answer = a.who(), got
	a.w.note(id, o, e)
}

func (a *actor) job(id session.ID) {
	o := a.begin()
	tag := a.tag()
	got := classify(a.w.eng.job(a.context(), id, tag))
	a.finish(o)
	if got != ok && got != unknown && got != gone {
		a.w.fail("law 1: a job says %s", got)
	}
	a.w.note(id, o, event{kind: worked, who: a.who(), adds: []string{tag}, answer: got})
}

// strange takes the browser's token to a manager that did not issue it, under
// the name of that one's cookie.
func (a *actor) strange(e *engine, b *browser) {
	r := e.begin(a.context(), e.cookie, b.token)
	o := a.begin()
	err := r.get()
	a.finish(o)
	if err == nil && !r.view().isNew {
		a.w.fail("law 17: a manager opened the session of a token that another one issued")
	}
	if err == nil && r.update(a.tag()) != nil {
		a.w.fail("law 17: what another manager did to its session keeps a visitor from a new one")
	}
	r.discard()
}

// meddle tries to reach a session from another realm.
func (a *actor) meddle(e *engine, b *browser) {
	w := a.w
	for _, try := range []struct {
		name string
		do   func() error
		want answer
	}{
		{"job", func() error { return e.job(a.context(), b.first, "x") }, gone},
		{"Revoke", func() error { return e.revoke(a.context(), b.first) }, ok},
		{"RevokeAll", func() error { return e.revokeAll(a.context(), owner) }, ok},
	} {
		o := a.begin()
		got := classify(try.do())
		a.finish(o)
		if got != try.want && (got != unknown || o.faults == 0) {
			w.fail("law 17: a %s of another realm says %s", try.name, got)
		}
		if len(o.effects) > 0 {
			w.fail("law 17: a %s of another realm changed what is stored", try.name)
		}
	}
}

func (a *actor) who() string { return a.letter() + " " + a.script.name }

func (a *actor) tag() string { a.tags++; return fmt.Sprint(a.letter(), a.tags) }
