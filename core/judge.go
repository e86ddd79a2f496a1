package session

// A verdict is what becomes of a plan that the store did not simply carry out.
type verdict uint8

const (
	done      verdict = iota // it is stored: the reply was lost
	again                    // nothing has changed: send it again
	elsewhere                // create the session under another ID
	newer                    // make the changes again on what is stored now
	gone                     // the session has ended: what was pending is dropped
	refused                  // the session was renewed: this request is a straggler
	late                     // the session ran out before the change was made
	doubtful                 // nobody can tell whether it was done
)

// A sight is what a plan finds in the store after a write that did not succeed.
type sight struct {
	relation relation
	ended    bool  // a tombstone; or, for a job, another login's session by now
	proof    proof // of this request to what is stored
	overdue  bool  // the expiry that the request knew has passed
}

type relation uint8

const (
	absent  relation = iota
	own              // the plan's own mark
	same             // the version that the plan replaces
	next             // the version that the plan would have made, by another writer
	further          // a version beyond that
	other            // the plan creates, and the ID is taken
)

// judge decides about a plan of a kind, given whether the outcome of a try of
// it is unknown, and what is stored now. It is all that the engine knows about
// conflicts. The first row that applies counts.
//
// A compare-and-swap takes a version only once. So a plan that finds its own
// mark was done; over the version it replaces it can be sent again without being
// done twice; and when another writer made the next version it was not done.
func judge(kind planKind, doubt bool, s sight) verdict {
	switch {
	case s.relation == own:
		return done // law 1

	case kind == planCreate:
		// Not done, or done and ended since: a new ID revives nobody (law 2).
		return elsewhere

	case s.relation == same && !s.ended:
		return again

	case kind == planEnd && (s.relation == absent || s.ended):
		return gone // it is over, whoever ended it, and the cookie may be a newer session's (law 3)

	case kind == planEnd && !s.proof.opens():
		return refused // a straggler does not log out who logged in since (law 3)

	case kind == planEnd:
		return newer // a tombstone is never replaced, so none was written

	case doubt && (s.relation == absent || s.relation == further):
		return doubtful // it may have been done, and something else after it (law 1)

	case s.relation == absent && s.overdue:
		return late // law 18

	case s.relation == absent || s.ended:
		return gone // as if the change had come before the end (law 2)

	case !s.proof.opens():
		return refused // law 3
	}
	return newer // law 1
}
