package session

import (
	"crypto/subtle"
	"time"
)

// A proof says what the secret of a request proves to a session.
type proof uint8

const (
	unknown    proof = iota // nothing: not a secret of the session, or one replaced long ago
	stale                   // the previous secret, no longer good: stolen, or its browser lost a response
	overdue                 // a secret of a bound session, past its time
	superseded              // any other secret, soon after a renewal: a straggler
	loggedOut               // any secret, soon after Destroy: a straggler
	earlier                 // a secret that opened the session for this request; only RenewEvery has replaced it since
	previous                // the previous secret, still good
	current                 // the present secret
	trusted                 // no secret is needed: a job or a test
)

// opens reports whether the session may be read and changed.
func (p proof) opens() bool { return p >= earlier }

// straggles reports whether the request may only log in anew (law 3).
func (p proof) straggles() bool { return p == superseded || p == loggedOut }

// prove compares secrets in constant time. Within the window after a renewal or a
// Destroy, any other secret counts as a straggler's: two renewals may happen
// while one request is on its way.
func (e *envelope) prove(d digest, now time.Time, window time.Duration) proof {
	isCurrent := subtle.ConstantTimeCompare(e.secret[:], d[:]) == 1
	isPrevious := subtle.ConstantTimeCompare(e.previous[:], d[:]) == 1 && e.previous != (digest{})
	recent := now.Before(e.stragglersUntil(window))
	switch {
	case e.ended != 0 && recent:
		return loggedOut
	case e.ended != 0:
		return unknown
	case isCurrent && e.overdue(now, window):
		return overdue
	case isCurrent:
		return current
	case isPrevious && e.device.bound() && e.previousUntil != 0 && now.UnixMilli() >= e.previousUntil:
		return overdue // also when a refresh came late
	case isPrevious && recent && e.previousUntil != 0:
		return earlier
	case isPrevious && (e.previousUntil == untilUsed || now.UnixMilli() < e.previousUntil):
		return previous
	case e.previous != (digest{}) && recent:
		return superseded
	case isPrevious && e.device.bound():
		return overdue
	case isPrevious:
		return stale
	}
	return unknown
}

// still judges the proof of a request against what is stored now. A Login,
// Renew or Destroy since then ends it. Renewals by RenewEvery do not, however
// many there were: the request was let in (law 18). But the request is offered
// no secret, because its browser may have received the present one (law 19).
func (h *hold) still(env *envelope, now time.Time, window time.Duration) proof {
	p := env.prove(h.digest, now, window)
	switch {
	case env.ended != 0:
		return p
	case h.proof == trusted:
		return trusted
	case (p != h.proof || env.secret != h.env.secret) && env.generation == h.env.generation:
		return earlier
	}
	return p
}
