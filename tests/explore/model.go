package explore

import (
	"slices"
	"strings"
	"time"
)

// A state is a session as the laws have it, with nothing of how it is stored.
// Each event changes it at one moment between its start and its end; the
// history is right if there is an order of these moments that explains what
// every actor was told.
type state struct {
	born, over bool
	owner      string
	tags       string // in their order, each followed by a space
	secret     string // that opens it
	previous   string // that opened it before a renewal that time asked for
	earlier    string // secrets that time alone has replaced, each followed by a semicolon
	tried      bool   // secret has been used
	triedAt    time.Duration
	until      time.Duration // when previous stops opening it; zero: nobody has noted a use of secret
	login      string        // the secret that the last login made
	made       time.Duration // when time last renewed the secret
	from       time.Duration // where Lifetime counts from
	used       time.Duration
	kept       time.Duration // until when the session cannot run out

	key    string        // of the device that it is bound to
	fresh  time.Duration // when the secret was made
	proven bool          // the device has shown that it got a secret for its key
	asks   string        // the challenges of the secret, each followed by a semicolon
}

// Rules are what of the laws depends on the scenario.
type rules struct {
	clocks   bool          // false where a fault kept the engine from recording a use
	lifetime time.Duration // zero: longer than any run
	renews   bool          // secrets are renewed by time
}

// opens tells whether a secret has to open the session, and whether it may.
func (s state) opens(secret string, at time.Duration) (must, may bool) {
	switch {
	case !s.born, s.over, secret == "":
		return false, false
	case secret == s.secret:
		return !s.overdue(at), !s.overdue(at)
	case secret == s.previous:
		may = s.until == 0 || at < s.until
		return may && (s.proven || !s.tried || at-s.triedAt < window), may
	}
	return false, false
}

// outlived tells whether Lifetime has ended.
func (r rules) outlived(s state, at time.Duration) bool {
	return r.lifetime > 0 && at-s.from >= r.lifetime
}

// idles tells whether the session may have run out, as a use need not be recorded
// at once, and whether it has.
func (r rules) idles(s state, at time.Duration) (may, has bool) {
	return !r.clocks || at >= s.kept, r.clocks && at-s.used >= idleTimeout
}

// step returns what the session can be after an event: nothing, if the event
// cannot have happened to it.
func (s state) step(e *event, r rules) []state {
	must, may := s.opens(e.held, e.at)
	mayIdle, idle := r.idles(s, e.at)
	outlived := r.outlived(s, e.at)
	must = must && !outlived && !mayIdle
	may = may && !outlived && !idle
	live := s.born && !s.over && !outlived
	same := []state{s}
	switch e.kind {
	case loaded:
		switch {
		case e.opened && may && e.owner == s.owner && join(e.tags) == s.tags:
			return []state{s.load(e)}
		case !e.opened && !must:
			return same
		}
	case created:
		switch {
		case s.born && e.answer == ok:
			return nil
		case e.answer == unknown:
			return append(same, s.create(e))
		case subset(e.tags, e.adds) && e.owner == e.login:
			return []state{s.create(e)}
		}
	case written:
		return s.write(e, r, may, same)
	case noted:
		return []state{s.note(e)}
	case served:
		if !mayIdle && live && must {
			return []state{s.use(e, idleTimeout-touchInterval)}
		}
		s.used = e.at
		return append(same, s)
	case touched:
		return s.touch(e, live, mayIdle, same)
	case moved:
		if !must || s.secret != e.held {
			return same
		}
	case ended:
		return s.end(e, mayIdle, same)
	case registered:
		return s.register(e, live, may || s.admitted(e), mayIdle, same)
	case asked:
		if e.answer == ok {
			s.asks += e.gives + ";"
			return []state{s}
		}
		return same
	case refreshed:
		return s.refresh(e, live, idle, mayIdle, same)
	case worked:
		return s.work(e, r, live, mayIdle, same)
	case revoked, swept:
		if e.kind == swept && s.owner != owner {
			return same
		}
		dead := s
		dead.over = true
		if e.answer == unknown {
			return []state{s, dead}
		}
		return []state{dead}
	case peeked:
		if e.opened && live && join(e.tags) == s.tags && e.owner == s.owner || !e.opened && (!live || mayIdle) {
			return same
		}
	}
	return nil
}

// use records a use, or shows that one was recorded not long ago.
func (s state) use(e *event, keeps time.Duration) state {
	s.used = e.at
	s.kept = max(s.kept, e.at+keeps)
	return s
}

// load opens the session: half of IdleTimeout is left from then on (law 18).
func (s state) load(e *event) state {
	s = s.use(e, idleTimeout/2)
	if e.held == s.secret && !s.tried {
		s.tried, s.triedAt = true, e.at
	}
	return s
}

// note ends the time of the previous secret, as the present one was used.
func (s state) note(e *event) state {
	if e.held == s.secret && !e.own && s.previous != "" && (s.until == 0 || s.key != "" && !s.proven) && e.wrote > 0 {
		s.until, s.proven = e.at+window, s.key != ""
	}
	return s
}

// touch is Session.Touch, which asks for no secret but for the same login.
func (s state) touch(e *event, live, mayIdle bool, same []state) []state {
	switch {
	case e.answer == ok && live:
		return []state{s.use(e, idleTimeout)}
	case e.answer == unknown:
		return append(same, s.use(e, idleTimeout))
	case e.answer == gone && (!live || mayIdle || e.held != s.secret && e.held != s.login):
		return same
	}
	return nil
}

// work is a change by a job.
func (s state) work(e *event, r rules, live, mayIdle bool, same []state) []state {
	done := []state{s.add(e, r)}
	switch {
	case live && e.answer == ok:
		return done
	case live && e.answer == unknown:
		return append(done, s)
	case !live && (e.answer == gone || e.answer == unknown):
		return same
	case !live && e.answer == ok && s.born:
		return same // it is as if the job came first
	case e.answer == gone && mayIdle:
		return same
	}
	return nil
}

// write is a commit of a session that was loaded.
func (s state) write(e *event, r rules, may bool, same []state) []state {
	outlived := r.outlived(s, e.at)
	if !s.over && s.born && e.at-e.loadedAt <= idleTimeout/2 && !outlived {
		may = s.admitted(e) // in time is in time (law 18)
	}
	switch e.answer {
	case ok:
		if dropped := !subset(e.adds, e.tags) || e.renew && e.login == "" && e.wrote == 0; dropped {
			switch {
			case s.over:
				return same // law 2: it is as if the change came first
			case may:
				return []state{s.add(e, r)} // it came first indeed
			}
			return nil
		}
		if after := s.add(e, r); may && join(e.tags) == after.tags && e.owner == after.owner {
			return []state{after}
		}
		if s.over {
			return same // done, or not, before the end
		}
	case superseded:
		if s.over || e.held != s.secret && (!s.admitted(e) || e.at-e.loadedAt > idleTimeout/2) {
			return same
		}
	case gone:
		missed := !r.clocks && e.at > e.loadedAt // a fault kept its use from being recorded
		if s.over || outlived || missed || e.at-e.loadedAt > idleTimeout/2 || r.lifetime > 0 && e.held != s.secret {
			return same
		}
	case conflict:
		return same
	case unknown:
		if may {
			plain, renewed := *e, *e
			plain.timed, renewed.timed = false, true
			return append(same, s.add(&plain, r), s.add(&renewed, r))
		}
		return same
	}
	return nil
}

// admitted tells whether a request that was let in is no straggler.
func (s state) admitted(e *event) bool {
	return e.held == s.secret || strings.Contains(s.earlier, e.held+";")
}

// end is a logout.
func (s state) end(e *event, mayIdle bool, same []state) []state {
	_, may := s.opens(e.held, e.at)
	may = may || s.born && !s.over && e.at-e.loadedAt <= idleTimeout/2 && s.admitted(e)
	out := s
	out.over = true
	switch {
	case s.over, e.answer == superseded && e.held != s.secret, e.answer == conflict:
		return same
	case e.answer == ok && may:
		return []state{out}
	case e.answer == unknown && may:
		return append(same, out)
	case e.answer == unknown:
		return same
	case (e.answer == ok || e.answer == gone) && mayIdle:
		return same
	}
	return nil
}

// add makes the changes of an event.
func (s state) add(e *event, r rules) state {
	s.tags += join(e.adds)
	if e.kind == worked {
		return s
	}
	s = s.use(e, idleTimeout)
	switch {
	case e.login != "" || e.renew:
		if e.held == s.previous && !s.proven {
			s.key = "" // its browser did not get what a device has registered for
		}
		s.secret, s.previous, s.earlier, s.tried, s.until = e.secret, "", "", false, 0
		s.fresh, s.asks = e.at, e.gives+";"
	case e.timed && e.held != s.secret && e.cameAt-s.made < window:
		return state{} // a second renewal, and the first may have arrived (law 19)
	case e.timed && s.key != "" && (s.proven || e.held != s.previous), e.timed && s.key == "" && !r.renews && e.held == s.secret:
		return state{} // no time asks for it: a device refreshes
	case e.timed:
		s.key, s.fresh, s.asks = "", e.at, e.gives+";" // its browser did not get what a device has registered for
		s.made = e.at
		s.earlier += s.secret + ";"
		s.secret, s.previous, s.tried, s.until = e.secret, e.held, false, 0
	default:
		s = s.note(e)
	}
	if e.login != "" {
		s.owner, s.login, s.from, s.key, s.proven = e.login, e.secret, e.since, "", false
	}
	return s
}

func (s state) create(e *event) state {
	tags := e.tags
	if e.answer == unknown {
		tags = e.adds
	}
	after := state{born: true, owner: e.login, tags: join(tags), secret: e.secret, used: e.at, kept: e.at + idleTimeout, from: e.at, fresh: e.at, asks: e.gives + ";"}
	if e.login != "" {
		after.login, after.from = e.secret, e.since
	}
	return after
}

func join(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	return strings.Join(tags, " ") + " "
}

func subset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(t string) bool { return !slices.Contains(all, t) })
}
