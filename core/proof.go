package session

import (
	"crypto/subtle"
	"time"
)

// A proof is what a request can show a session, by the secret that it carries.
type proof uint8

const (
	unknown    proof = iota // no secret of the session's, or one long replaced
	stale                   // the previous secret, after its time: stolen, or kept by a browser that lost a response
	superseded              // some secret from before a recent Login or Renew: a straggler
	loggedOut               // some secret of a session that its own browser has just logged out of: a straggler
	earlier                 // one that opened the session for this request, and that time alone has replaced since
	previous                // the previous secret, while it is good
	current                 // the present secret
	trusted                 // none is needed: a job or a test
)

// opens reports whether the session may be read and changed.
func (p proof) opens() bool { return p >= earlier }

// straggles reports whether the request may only log in anew (law 3).
func (p proof) straggles() bool { return p == superseded || p == loggedOut }

// prove compares in constant time, and takes the same time for each outcome.
// For the window after a Login, a Renew or a Destroy every other secret counts
// as a straggler's: two renewals may follow each other while it is on its way.
func (e *envelope) prove(d digest, now time.Time, window time.Duration) proof {
	isCurrent := subtle.ConstantTimeCompare(e.secret[:], d[:]) == 1
	isPrevious := subtle.ConstantTimeCompare(e.previous[:], d[:]) == 1 && e.previous != (digest{})
	recent := now.Before(e.stragglersUntil(window))
	switch {
	case e.ended != 0 && recent:
		return loggedOut
	case e.ended != 0:
		return unknown
	case isCurrent:
		return current
	case isPrevious && recent && e.previousUntil != 0:
		return earlier
	case isPrevious && (e.previousUntil == untilUsed || now.UnixMilli() < e.previousUntil):
		return previous
	case e.previous != (digest{}) && recent:
		return superseded
	case isPrevious:
		return stale
	}
	return unknown
}

// still is what the proof of a request to a session has become, given what is
// stored of it now. Login and Renew end it; a renewal that time asked for does
// not, however many there were: the request was let in (law 18). But it is offered
// no secret, as its browser may have received the present one (law 19).
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
