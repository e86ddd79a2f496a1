package explore

import (
	"context"
	"strconv"
	"time"

	session "github.com/gostateful/session/core"
)

// A script is what an actor does. The steps of a request are words:
//
//	get        load the session
//	update     add a tag
//	login      as ann
//	renew      replace the secret
//	destroy    log out
//	discard    drop what is pending
//	commit     write now, and go on
//	take       call session.Take, which adds a tag too
//	peek       call Manager.Peek
//	touch      call Session.Touch
//	leave      go away: no response reaches the browser
//	send       begin the response early, and go on
//	think      take a while: here time may pass
//	panic      end so
//	register   bind the session to the key of the browser
//	enroll     the same, by the challenge of a session that is bound already
//	forge      the same, by a challenge that nobody gave
//	ask        for a challenge
//	refresh    the secret of the bound session, by a signature
//
// The other scripts have one, and are in side.go.
type script struct {
	name    string
	steps   string
	browser int
	bare    bool // the browser does not send its cookie: it is past its time
}

const owner = "ann"

// A visit is a request on its way through the engine.
type visit struct {
	a    *actor
	b    *browser
	r    *request
	held string // its token

	base     session.ID // the session that it works on, if it is stored
	secret   string     // the name of the secret that opens it
	own      bool       // this request made it
	loaded   *op
	came     time.Duration // when it loaded the session
	loadedAt time.Duration // or touched
	visitor  bool          // it found no session
	retry    time.Duration // when the client may come again
	leave    context.CancelFunc
	alone    bool // the client has left
	sent     bool
	sending  bool
	pending  pending
	issuer   *event // of the secret that the response has to carry
	last     *event // of those that wrote
	loggedIn bool
	ended    int  // when its logout took effect
	left     bool // its logout is done

	device session.ID // the session that its device has registered for, or refreshed
	news   news       // for the device

	answer answer // what the client is told
}

// pending is what a request has changed and not committed.
type pending struct {
	adds    []string
	login   string
	loginAt time.Duration
	renew   bool
	destroy bool
}

func (p pending) changes() bool { return len(p.adds) > 0 || p.login != "" }

func (v *visit) run(steps []string) {
	a := v.a
	a.learn(v.b.sum, v.b.heard)
	ctx, leave := context.WithCancel(a.context())
	defer leave()
	v.leave = leave
	v.r = a.w.eng.begin(ctx, v.b.cookie, v.held)
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
		if v.send(); v.answer == superseded {
			v.told()
		}
	}
	v.finish()
}

// told checks when a client that is told 409 may come again (law 19).
func (v *visit) told() {
	if v.retry < time.Second || v.retry > window {
		v.a.w.fail("law 19: a client is told 409, and to come again in %v", v.retry)
	}
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
			p.login, p.renew, p.loginAt, v.loggedIn = owner, true, v.a.w.elapsed, true
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
		v.committed(o, got, nil)
	case "discard":
		v.r.drop()
		*p, v.loggedIn, got = pending{destroy: p.destroy}, false, ok
	case "take":
		o, tag := v.begin(), v.a.tag()
		got = classify(v.r.take(v.a.context(), tag))
		p.adds = append(p.adds, tag)
		v.committed(o, got, nil)
	case "peek":
		got = v.peek()
	case "touch":
		got = v.touch()
	case "leave":
		v.leave()
		v.alone, got = true, ok
	case "send":
		got = v.send()
	case "think":
		v.a.ponder()
		got = ok
	case "register":
		got = v.register(v.b.device.offer)
	case "enroll":
		got = v.register(v.b.device.challenge)
	case "forge":
		got = v.register("forged")
	case "ask":
		got = v.ask()
	case "refresh":
		got = v.refresh()
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
	if o.faults > 0 && v.r.view().isNew {
		w.fail("law 7: a load failed, and the request has a new session")
	}
	v.came, v.loadedAt, v.loaded = w.elapsed, w.elapsed, o
	seen, token := v.r.view(), w.tokens[v.held]
	if v.visitor = seen.isNew; !v.visitor {
		if v.base, v.secret = seen.id, token.secret; v.base != token.id {
			w.fail("law 17: a request got session %v, and its token is of %v", v.base, token.id)
		}
		if token.browser != v.b.n && !v.b.copied {
			w.fail("law 17: browser %d sees the session of browser %d", v.b.n, token.browser)
		}
	}
	if v.held != "" {
		w.note(token.id, o, event{kind: loaded, who: v.a.who(), held: token.secret, answer: ok, opened: !seen.isNew, tags: seen.tags, owner: seen.owner})
	}
	return ok
}

// peek looks at the session, which is no use of it.
func (v *visit) peek() answer {
	w, o := v.a.w, v.a.begin()
	tags, subject, err := v.r.peek()
	got := classify(err)
	v.a.finish(o)
	switch got {
	case ok:
		id := w.tokens[v.held].id
		w.note(id, o, event{kind: peeked, who: v.a.who(), held: v.secret, answer: ok, opened: true, tags: tags, owner: subject})
	case unknown:
		if o.faults == 0 {
			w.fail("law 7: Peek says %s, and no call of the store failed", got)
		}
	case gone, superseded:
	default:
		w.fail("law 13: Peek says %s", got)
	}
	if o.wrote() {
		w.fail("law 6: Peek writes")
	}
	return got
}

// touch records the use of the session.
func (v *visit) touch() answer {
	w, o := v.a.w, v.a.begin()
	o.touches = true
	got := classify(v.r.touch(v.a.context()))
	v.a.finish(o)
	switch {
	case got == unknown && o.faults == 0:
		w.fail("law 18: Touch says %s, and no call of the store failed", got)
	case got != ok && got != unknown && got != gone:
		w.fail("law 18: Touch says %s", got)
	}
	if v.base != (session.ID{}) {
		w.note(v.base, o, event{kind: touched, who: v.a.who(), held: v.secret, answer: got})
	}
	if got == ok {
		v.loadedAt = w.elapsed
	}
	return got
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
	h, err := v.r.send()
	got := classify(err)
	if got != ok {
		v.answer = got
	}
	if len(h.SetCookie) > 0 && got != ok {
		v.a.w.fail("law 7: the answer is %s, and it has a cookie", got)
	}
	seconds, _ := strconv.Atoi(h.RetryAfter)
	v.retry = time.Duration(seconds) * time.Second
	v.news.offer = v.a.w.eng.parseOffer(h.Registration)
	v.sending = true
	v.committed(o, got, h.SetCookie)
	v.sending = false
	return got
}

// finish ends the exchange, with what was changed after the header.
func (v *visit) finish() {
	o := v.begin()
	got := classify(v.r.finish())
	v.committed(o, got, nil)
}
