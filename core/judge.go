package session

// A verdict says what to do with a plan after a write that did not succeed.
type verdict uint8

const (
	done      verdict = iota // it is stored: only the reply was lost
	again                    // nothing has changed: send it again
	elsewhere                // create the session under another ID
	newer                    // make the changes again on what is stored now
	gone                     // the session has ended: drop what is pending
	refused                  // the secret was replaced: this request is a straggler
	late                     // the session expired before the change was made
	doubtful                 // whether it was done cannot be known
)

// A sight is what the store has after a write that did not succeed.
type sight struct {
	relation relation
	ended    bool  // it is a tombstone; or, for a job, another login's session by now
	proof    proof // of this request to what is stored
	overdue  bool  // the expiry that the request knew has passed
}

// A relation says how the stored record relates to the plan.
type relation uint8

const (
	absent  relation = iota // nothing live is stored
	own                     // it has the plan's own mark
	same                    // it has the version that the plan replaces
	next                    // it has the version that the plan would have made, from another writer
	further                 // it has any other version
	other                   // the plan creates, and the ID is taken
)

// judge returns the verdict on a plan. doubt says that an earlier try of the plan
// has an unknown outcome, and s is what is stored now. All that the engine knows
// about conflicts is here. The first case that applies counts.
//
// A compare-and-swap replaces a version only once:
//
//   - A plan that finds its own mark was done.
//   - A plan that finds the version it replaces can be sent again, and is not
//     done twice.
//   - A plan that finds the next version from another writer was not done.
func judge(kind planKind, doubt bool, s sight) verdict {
	switch {
	case s.relation == own:
		return done // law 1

	case kind == planCreate:
		// Either it was not done, or it was done and the session has ended since. A new
		// ID revives no session (law 2).
		return elsewhere

	case s.relation == same && !s.ended:
		return again

	case kind == planEnd && (s.relation == absent || s.ended):
		return gone // it is over, whoever ended it, and the cookie may belong to a newer session (law 3)

	case kind == planEnd && !s.proof.opens():
		return refused // a straggler does not log out a newer login (law 3)

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
