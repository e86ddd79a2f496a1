package explore

import (
	"slices"
	"time"

	session "github.com/gostateful/session/core"
)

// verify checks the laws when nothing more can happen in a run. It first lets
// each browser send its next requests.
func (w *world) verify() {
	w.free = true
	w.stragglers()
	for _, b := range w.browsers {
		w.next(b)
	}
	a := w.auditor("audit")
	for _, id := range w.order {
		o := a.begin()
		tags, live, err := w.eng.peek(a.context(), id)
		a.finish(o)
		if err != nil {
			w.fail("a session cannot be read: %v", err)
		}
		e := event{kind: peeked, who: "the store", opened: live, tags: tags, answer: ok}
		if r := w.store.records[id]; r != nil {
			e.owner = r.Subject
		}
		w.note(id, o, e)
	}
	if w.store.changed() {
		w.fail("law 1: data that the store has was changed in place")
	}
	r := rules{clocks: w.scenario.Faults == w.faults, renews: w.scenario.renews}
	if w.scenario.lifetime {
		r.lifetime = idleTimeout
	}
	for _, id := range w.order {
		if w.violation == nil && !linearizable(w.events[id], r) {
			w.fail("law 1: no order of these explains what was seen of session %v:%s", id, explain(w.events[id]))
		}
	}
}

func (w *world) auditor(name string) *actor {
	return &actor{w: w, n: 25, script: script{name: name}, runs: true}
}

// next is law 19: whatever responses a browser lost, its next request works,
// or is told to come again within the window and then works, or it refreshes
// and goes on; and it can log in at once.
func (w *world) next(b *browser) {
	got, retry := w.visit(b, "next request", "get", "update")
	switch {
	case got == superseded && !w.recentlySuperseded(b):
		w.fail("law 19: browser %d is locked out: its next request is told %q, and nothing happened within the window", b.n, got)
	case got != ok && got != superseded:
		w.fail("law 19: browser %d is locked out: its next request is told %q", b.n, got)
	}
	refreshed := w.last(b)
	if login, _ := w.visit(b, "next login", "get", "login"); login != ok {
		w.fail("law 19: browser %d cannot log in at once: it is told %q", b.n, login)
	}
	if got == superseded && !refreshed {
		w.sleep(retry)
		if got, _ = w.visit(b, "request after the window", "get", "update"); got != ok {
			w.fail("law 19: browser %d is locked out after the window: it is told %q", b.n, got)
		}
	}
}

// visit sends a request whose response is lost. It returns what the client is
// told, and when it may come again.
func (w *world) visit(b *browser, name string, steps ...string) (answer, time.Duration) {
	a := w.auditor(name)
	v := visit{a: a, b: b, held: b.token}
	v.run(steps)
	return v.answer, v.retry
}

// recentlySuperseded tells whether a login, a renewal or a logout can have
// made the browser's token an old one, within the window.
func (w *world) recentlySuperseded(b *browser) bool {
	id, known := w.sessionOf(b)
	if !known {
		return false
	}
	for _, e := range w.events[id] {
		if (e.login != "" || e.renew || e.timed || e.kind == ended || e.kind == registered || e.kind == refreshed) && w.elapsed-e.at < window {
			return true
		}
	}
	faulty := w.faults != w.scenario.Faults // so a write may have been a renewal that nobody was told of
	return faulty && slices.ContainsFunc(w.writes, func(c write) bool { return c.id == id && w.elapsed-c.time < window })
}

// stragglers is law 3: a request with a secret from before a login, a renewal
// or a logout of its own browser sets and clears no cookie any more, unless it
// logs in itself. A response that was committed before is none, however late
// it arrives.
func (w *world) stragglers() {
	for _, c := range w.claims {
		token, known := w.tokens[c.held]
		if !known || c.login {
			continue
		}
		for _, e := range w.events[token.id] {
			final := e.login != "" || e.renew && !c.refresh || e.kind == ended // a device that lost the answer of a Renew refreshes
			if !final || e.answer != ok || e.wrote == 0 || e.kind == moved || e.who == c.actor.who() {
				continue
			}
			if c.asked > 0 && c.asked < e.wrote && w.scenario.lifetime && c.elapsed >= idleTimeout {
				continue // it came after Lifetime, and before the other: a visitor
			}
			if token.at < e.wrote && e.wrote < c.at && c.elapsed-e.at < window && !w.revokedBetween(e.wrote, c.at) {
				w.fail("law 3: %s is a straggler of session %v, and sets or clears a cookie after %s (%s)", c.actor.who(), session.ID(token.id), e.who, e.kind)
			}
		}
	}
}

// revokedBetween: a session is deleted where it is revoked, or where its logout
// failed twice. So its stragglers are unknown.
func (w *world) revokedBetween(from, to int) bool {
	for _, at := range w.revoke {
		if from <= at && at < to {
			return true
		}
	}
	return false
}
