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
		return v.a.w.elapsed-made.at >= renewEvery
	}
	used := slices.ContainsFunc(v.a.w.events[v.base], func(e *event) bool { return e.held == made.secret && e.opened })
	return made.timed && !used && v.cameAt-made.at >= window
}

// noteDue tells whether this request is the first to show that its browser has
// got the secret of a renewal.
func (v *visit) noteDue() bool {
	made := v.undisturbed()
	return made != nil && made.timed && made.secret == v.secret && !v.own &&
		!slices.ContainsFunc(v.a.w.events[v.base], func(e *event) bool { return e.held == made.secret && e.wrote > 0 })
}

// undisturbed returns the event that made the present secret, if the session
// lives, no other wrote to it during the request, and no call went wrong. For
// what is done at best effort is due only then.
func (v *visit) undisturbed() (made *event) {
	w := v.a.w
	if !w.scenario.renews || v.base == (session.ID{}) || w.faults != w.scenario.Faults || w.store.live(v.base) == nil {
		return nil
	}
	if slices.ContainsFunc(w.writes, func(c write) bool { return c.id == v.base && c.at > v.loaded.start && c.by.by != v.a }) {
		return nil
	}
	for _, e := range w.events[v.base] {
		if (e.timed || e.renew || e.kind == created) && e.answer == ok && e.wrote > 0 {
			made = e
		}
	}
	return made
}
