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
	ended                   // some secret of a session that its own browser has just logged out of: a straggler
	previous                // the previous secret, while it is good
	current                 // the present secret
	trusted                 // none is needed: a job or a test
)

// opens reports whether the session may be read and changed.
func (p proof) opens() bool { return p >= previous }

// straggles reports whether the request may only log in anew (law 3).
func (p proof) straggles() bool { return p == superseded || p == ended }

// prove compares in constant time, and takes the same time for each outcome.
// For the window after a Login, a Renew or a Destroy every other secret counts
// as a straggler's: two renewals may follow each other while it is on its way.
func (e *envelope) prove(d digest, now time.Time, window time.Duration) proof {
	isCurrent := subtle.ConstantTimeCompare(e.secret[:], d[:]) == 1
	isPrevious := subtle.ConstantTimeCompare(e.previous[:], d[:]) == 1 && e.previous != (digest{})
	recent := now.Before(e.stragglersUntil(window))
	switch {
	case e.ended != 0 && recent:
		return ended
	case e.ended != 0:
		return unknown
	case isCurrent:
		return current
	case isPrevious && (e.previousUntil == untilUsed || now.UnixMilli() < e.previousUntil):
		return previous
	case e.previous != (digest{}) && recent:
		return superseded
	case isPrevious:
		return stale
	}
	return unknown
}
