package explore

import (
	"slices"

	session "github.com/gostateful/session/core"
)

// renewalDue tells whether a response has to offer a new secret: by time, or
// because the browser did not get the last one.
func (v *visit) renewalDue() bool {
	made := v.undisturbed()
	switch {
	case made == nil, v.alone:
		return false
	case made.secret == v.secret:
		return v.a.w.scenario.renews && !made.binds() && v.a.w.elapsed-made.at >= renewEvery
	}
	used := slices.ContainsFunc(v.a.w.events[v.base], func(e *event) bool { return e.held == made.secret && e.opened })
	return (made.timed || made.kind == registered) && !used && v.came-made.at >= window
}

// usurps tells whether the secret that this request was offered replaces one that
// its browser may have received after it sent the request.
func (v *visit) usurps() bool {
	var made *event
	for _, e := range v.a.w.events[v.base] {
		if e.makesSecret() && e.wrote < v.issuer.wrote && (made == nil || e.wrote > made.wrote) {
			made = e
		}
	}
	return v.issuer.timed && made != nil && made.secret != v.issuer.held && v.came-made.at < window
}

func (e *event) makesSecret() bool {
	return (e.timed || e.renew || e.kind == created || e.binds()) && e.answer == ok && e.wrote > 0
}

// binds tells whether a secret of the event is one that a device has got.
func (e *event) binds() bool { return e.kind == registered || e.kind == refreshed }

// noteDue tells whether this request is the first to show that its browser has
// got the secret of a renewal.
func (v *visit) noteDue() bool {
	made := v.undisturbed()
	return made != nil && (made.timed || made.kind == registered) && made.secret == v.secret && !v.own &&
		!slices.ContainsFunc(v.a.w.events[v.base], func(e *event) bool { return e.held == made.secret && e.wrote > 0 })
}

// undisturbed returns the event that made the present secret, if the session
// lives, no other wrote to it during the request, and no call went wrong. For
// what is done at best effort is due only then.
func (v *visit) undisturbed() (made *event) {
	w := v.a.w
	if !w.scenario.renewing() || v.base == (session.ID{}) || w.faults != w.scenario.Faults || w.store.live(v.base) == nil {
		return nil
	}
	if slices.ContainsFunc(w.writes, func(c write) bool { return c.id == v.base && c.at > v.loaded.start && c.by.by != v.a }) {
		return nil
	}
	for _, e := range w.events[v.base] {
		if e.makesSecret() {
			made = e
		}
	}
	return made
}
