package explore

import (
	"fmt"
	"strings"
	"time"

	"github.com/gostateful/session/core"
)

// A script is what an actor does. The steps of a request are words:
//
//	get        load the session
//	update     add a tag
//	login      as ann
//	renew      replace the secret
//	destroy    log out
//	commit     write now, and go on
//	send       begin the response early, and go on
//	think      take a while: here time may pass
//	panic      end so
//
// The other scripts have one: job, revoke, revokeall, and cross, which takes
// the browser's token to another site.
type script struct {
	name    string
	steps   string
	browser int
}

const owner = "ann"

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
		r := w.other.begin(a.context(), otherCookie, b.token)
		o := a.begin()
		err := r.get()
		a.finish(o)
		if err == nil && !r.view().isNew {
			w.fail("law 17: another site's manager opened the session of a token that it did not issue")
		}
	default:
		v := visit{a: a, b: b, held: b.token}
		v.run(strings.Fields(a.script.steps))
	}
}

func (a *actor) end(o *op, got answer, id session.ID, e event) {
	if got != ok && got != unknown {
		a.w.fail("law 2: %s says %s", a.script.steps, got)
	}
	for _, f := range o.effects {
		a.w.revoke = append(a.w.revoke, f.at)
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

func (a *actor) who() string { return a.letter() + " " + a.script.name }

func (a *actor) tag() string { a.tags++; return fmt.Sprint(a.letter(), a.tags) }

// A visit is a request on its way through the engine.
type visit struct {
	a    *actor
	b    *browser
	r    *request
	held string // its token

	base     session.ID // the session that it works on, if it is stored
	secret   string     // the name of the secret that opens it
	loadedAt time.Duration
	sent     bool
	sending  bool
	pending  pending
	issuer   *event // of the secret that the response has to carry
	last     *event // of those that wrote
	loggedIn bool
	ended    int  // when its logout took effect
	left     bool // its logout is done

	answer answer // what the client is told
}

// pending is what a request has changed and not committed.
type pending struct {
	adds    []string
	login   string
	renew   bool
	destroy bool
}

func (p pending) changes() bool { return len(p.adds) > 0 || p.login != "" }

func (v *visit) run(steps []string) {
	a := v.a
	a.learn(v.b.sum)
	v.r = a.w.eng.begin(a.context(), cookieName, v.held)
	v.answer = ok
	for _, step := range steps {
		if step == "panic" {
			o := a.begin()
			v.r.discard()
			a.finish(o)
			if len(o.effects) > 0 {
				a.w.fail("law 10: a handler that panicked changed what is stored")
			}
			return
		}
		if got := v.step(step); got != ok {
			v.answer = got
			break
		}
	}
	if !v.sent {
		v.send()
	}
	v.finish()
}

func (v *visit) step(step string) (got answer) {
	p := &v.pending
	switch step {
	case "get":
		return v.get()
	case "update":
		tag := v.a.tag()
		if got = classify(v.r.update(tag)); got == ok {
			p.adds = append(p.adds, tag)
		}
	case "login":
		if got = classify(v.r.login(owner)); got == ok {
			p.login, p.renew, v.loggedIn = owner, true, true
		}
	case "renew":
		if got = classify(v.r.renew()); got == ok {
			p.renew = true
		}
	case "destroy":
		if got = classify(v.r.destroy()); got == ok {
			*p = pending{destroy: v.base != session.ID{}}
		}
	case "commit":
		o := v.begin()
		got = classify(v.r.commitNow(v.a.context()))
		v.committed(o, got, "")
	case "send":
		got = v.send()
	case "think":
		v.a.ponder()
		got = ok
	default:
		panic("no such step: " + step)
	}
	return got
}

func (v *visit) get() answer {
	w, o := v.a.w, v.a.begin()
	got := classify(v.r.get())
	v.a.finish(o)
	if got == unknown && o.faults == 0 {
		w.fail("law 7: Get says %s, and no call of the store failed", got)
	}
	if got != ok {
		return got
	}
	v.loadedAt = w.elapsed
	seen, token := v.r.view(), w.tokens[v.held]
	if !seen.isNew {
		if v.base, v.secret = seen.id, token.secret; v.base != token.id {
			w.fail("law 17: a request got session %v, and its token is of %v", v.base, token.id)
		}
		if token.browser != v.b.n {
			w.fail("law 17: browser %d sees the session of browser %d", v.b.n, token.browser)
		}
	}
	if v.held != "" {
		w.note(token.id, o, event{kind: loaded, who: v.a.who(), held: token.secret, answer: ok, opened: !seen.isNew, tags: seen.tags, owner: seen.owner})
	}
	return ok
}

// begin starts an operation that commits.
func (v *visit) begin() *op {
	o := v.a.begin()
	if v.pending.destroy {
		o.ends = v.base
	}
	return o
}

// send begins the response.
func (v *visit) send() answer {
	v.sent = true
	o := v.begin()
	lines, err := v.r.send()
	got := classify(err)
	line := ""
	if len(lines) > 0 {
		line = lines[0]
	}
	if got != ok {
		v.answer = got
	}
	if len(lines) > 0 && got != ok {
		v.a.w.fail("law 7: the answer is %s, and it has a cookie", got)
	}
	if len(lines) > 1 {
		v.a.w.fail("law 14: %d cookies in one response", len(lines))
	}
	v.sending = true
	v.committed(o, got, line)
	v.sending = false
	return got
}

// finish ends the exchange, with what was changed after the header.
func (v *visit) finish() {
	o := v.begin()
	got := classify(v.r.finish())
	v.committed(o, got, "")
}
