package explore

import (
	"fmt"
	"slices"

	session "github.com/gostateful/session/core"
)

func (w *world) newSecret() string {
	w.secrets++
	return fmt.Sprint("secret ", w.secrets)
}

// committed notes what came of the pending changes.
func (v *visit) committed(o *op, got answer, cookies []string) {
	w := v.a.w
	v.a.finish(o)
	v.judge(o, got)
	p := v.pending
	v.pending = pending{}
	now := v.r.view()
	e := event{who: v.a.who(), held: v.secret, own: v.own, cameAt: v.came, loadedAt: v.loadedAt, adds: p.adds, login: p.login, since: p.loginAt, renew: p.renew, answer: got, tags: slices.Clone(now.tags), owner: now.owner}

	switch {
	case p.destroy:
		out := e
		out.kind, out.adds, out.login, out.renew = ended, nil, "", false
		w.note(v.base, o, out)
		v.ended = o.written(v.base)
		anyway := w.endedByAnother(v.base, o) || v.ended == 0 && w.store.live(v.base) == nil
		v.left = got == ok && v.ended > 0 && !anyway
		v.base = session.ID{}
		if p.changes() && p.login == "" && got == ok && anyway && !o.created() {
			// The logout counts as done, and what came after it is dropped.
			if p.adds = nil; len(now.tags) > 0 {
				w.fail("law 2: changes were dropped, and the request still sees %v", now.tags)
			}
			v.dropped(o)
		}
	case v.base != session.ID{} && now.id != v.base && got == ok:
		out := e
		out.kind = moved
		w.note(v.base, o, out)
		v.base = session.ID{}
	case v.base != session.ID{} && (p.changes() || p.renew):
		e.kind, e.secret = written, w.newSecret()
		e.timed = !p.renew && len(cookies) > 0 && v.issuer == nil
		if got == ok && !subset(p.adds, now.tags) {
			v.dropped(o)
		}
		if v.noted(w.note(v.base, o, e), (p.renew || e.timed) && got == ok); v.issuer != nil {
			v.secret, v.own = v.issuer.secret, true
		}
	case v.base != session.ID{} && v.issuer == nil && (o.wrote() || w.scenario.device && o.faults > 0) && (len(cookies) > 0 || w.scenario.renewing() && o.faults > 0):
		e.kind, e.secret, e.timed = written, w.newSecret(), true
		if len(cookies) == 0 {
			e.answer = unknown // a renewal that nobody was told of, and that may come late
		}
		v.noted(w.note(v.base, o, e), len(cookies) > 0)
		if len(cookies) > 0 {
			v.secret, v.own = e.secret, true
		}
	case v.base != session.ID{} && o.wrote():
		e.kind = noted
		w.note(v.base, o, e)
	}
	if (v.base != session.ID{}) && v.sending && got == ok && v.answer == ok && !p.changes() && !p.renew {
		e.kind = served
		w.note(v.base, o, e)
	}
	if (v.base == session.ID{}) && p.changes() && (got == ok || got == unknown) {
		e.kind, e.secret = created, w.newSecret()
		v.noted(w.note(now.id, o, e), got == ok)
		if got == ok {
			v.base, v.secret, v.own = now.id, e.secret, true
		}
	}
	if v.sending {
		v.answered(o, got, cookies)
	}
}

// dropped checks that an event tells of changes that were dropped.
func (v *visit) dropped(o *op) {
	if !o.told(session.EventDiscarded) {
		v.a.w.fail("law 2: changes were dropped, and no event tells of it")
	}
}

// noted keeps the event whose secret the response has to carry.
func (v *visit) noted(e *event, issues bool) {
	if e.answer == ok {
		v.last = e
	}
	if issues {
		v.issuer = e
	}
}

// judge refuses answers that nothing explains.
func (v *visit) judge(o *op, got answer) {
	w := v.a.w
	switch {
	case got == unknown && o.faults == 0:
		w.fail("law 7: a commit says %s, and no call of the store failed", got)
	case got == failed, got == tooLate:
		w.fail("law 9: a commit says %s", got)
	case o.wrote() && (!w.scenario.renewing() || v.device != session.ID{}) && !v.pending.changes() && !v.pending.renew && !v.pending.destroy:
		w.fail("law 6: a request that changed nothing writes")
	case v.pending.renew && v.sent && !v.sending:
		w.fail("law 9: a secret was replaced after the header was sent")
	case got == conflict && !w.hung:
		w.fail("law 1: a commit gives up, and others were not faster for long")
	}
}

// answered checks the cookie of a response and puts it on its way.
func (v *visit) answered(o *op, got answer, cookies []string) {
	w := v.a.w
	defer func() { v.issuer, v.left = nil, false }()
	if len(cookies) == 0 {
		v.uncarried(o, got)
		return
	}
	token, err := w.eng.parseCookies(cookies)
	if err != nil {
		w.fail("law 14: %q: %v", cookies, err)
	}
	c := claim{actor: v.a, held: v.held, at: o.start, elapsed: w.elapsed, login: v.loggedIn, clears: token == "", refresh: v.issuer != nil && v.issuer.kind == refreshed}
	if v.visitor {
		c.asked = v.loaded.start
	}
	if v.issuer == nil && v.last != nil {
		v.issuer, v.last.timed = v.last, true // it was renewed when the handler wrote
	}
	switch {
	case token == "" && v.ended == 0:
		w.fail("law 3: a request that ended no session takes the cookie away")
	case token == "":
		c.at = v.ended
	case v.issuer == nil:
		w.fail("law 4: a response hands out a token, and nothing was to be renewed")
	case v.usurps():
		w.fail("law 19: a secret is offered over one that the browser may have received since it sent the request")
	default:
		id := v.r.view().id
		if v.device != (session.ID{}) {
			id = v.device
		}
		if v.news.offer != "" {
			w.challenges[v.news.offer], v.issuer.gives = w.elapsed, v.news.offer
		}
		if known, again := w.tokens[token]; again && known.secret != v.issuer.secret {
			w.fail("law 4: a secret is handed out twice")
		}
		c.at = max(v.issuer.wrote, v.issuer.start)
		w.tokens[token] = issue{id: id, browser: v.b.n, secret: v.issuer.secret, at: c.at}
	}
	w.claims = append(w.claims, c)
	if v.alone {
		return
	}
	sum := mix(v.a.seen, uint64(v.a.n))
	w.progress = mix(w.progress, sum)
	v.b.flight = append(v.b.flight, response{v.a.n, w.eng.cookie, token, sum, v.news})
}

// uncarried checks a response without a cookie.
func (v *visit) uncarried(o *op, got answer) {
	w := v.a.w
	switch {
	case got != ok: // then no cookie is due
	case v.device != session.ID{}:
		w.fail("law 19: a device has registered or refreshed, and the response has no new secret")
	case v.issuer != nil && v.issuer.kind == created:
		w.fail("law 1: a session was stored, and the response has no cookie for it")
	case v.issuer != nil && v.issuer.login != "":
		w.fail("law 4: a login was stored, and the response has no new secret")
	case v.left:
		w.fail("law 14: a logout leaves its cookie")
	case v.renewalDue():
		w.fail("law 19: a renewal is due, and the response brings no new secret")
	case v.noteDue() && !o.wrote():
		w.fail("law 19: nobody notes that a new secret has been used for the first time")
	}
}

// sessionOf is the session whose token a browser has, or none.
func (w *world) sessionOf(b *browser) (session.ID, bool) {
	i, known := w.tokens[b.token]
	return i.id, known
}
