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
	bySelf     bool // over by a logout
	owner      string
	tags       string // in their order, each followed by a space
	secret     string // that opens it
	previous   string // that opened it before a renewal that time asked for
	tried      bool   // secret has been used: previous may open it, and need not
	used       time.Duration
}

// opens tells whether a secret has to open the session, and whether it may.
func (s state) opens(secret string) (must, may bool) {
	if !s.born || s.over || secret == "" {
		return false, false
	}
	return secret == s.secret || secret == s.previous && !s.tried, secret == s.secret || secret == s.previous
}

// step returns what the session can be after an event: nothing, if the event
// cannot have happened to it. clocks is false where a fault kept the engine
// from recording a use.
func (s state) step(e *event, clocks bool) []state {
	must, may := s.opens(e.held)
	if clocks {
		must = must && e.at-s.used < idleTimeout-touchInterval
		may = may && e.at-s.used < idleTimeout
	}
	same := []state{s}
	switch e.kind {
	case loaded:
		switch {
		case e.opened && may && e.owner == s.owner && join(e.tags) == s.tags:
			s.used, s.tried = e.at, s.tried || e.held == s.secret
			return []state{s}
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
		return s.write(e, may, same)
	case moved:
		if !must || s.secret != e.held {
			return same
		}
	case ended:
		return s.end(e, may, same)
	case worked:
		live := s.born && !s.over
		switch {
		case live && e.answer == ok:
			return []state{s.add(e)}
		case live && e.answer == unknown:
			return append(same, s.add(e))
		case !live && (e.answer == gone || e.answer == unknown):
			return same
		case !live && e.answer == ok && s.born:
			return same // it is as if the job came first
		case e.answer == gone && clocks && e.at-s.used >= idleTimeout-touchInterval:
			return same
		}
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
		live := s.born && !s.over
		if e.opened && live && join(e.tags) == s.tags && e.owner == s.owner || !e.opened && (!live || e.at-s.used >= idleTimeout-touchInterval) {
			return same
		}
	}
	return nil
}

// write is a commit of a session that was loaded.
func (s state) write(e *event, may bool, same []state) []state {
	if !s.over && s.born && e.at-e.loadedAt <= idleTimeout/2 {
		_, may = s.opens(e.held) // in time is in time (law 18)
	}
	switch e.answer {
	case ok:
		if dropped := !subset(e.adds, e.tags) || e.renew && e.login == "" && e.wrote == 0; dropped {
			switch {
			case s.over:
				return same // law 2: it is as if the change came first
			case may:
				return []state{s.add(e)} // it came first indeed
			}
			return nil
		}
		if after := s.add(e); may && join(e.tags) == after.tags && e.owner == after.owner {
			return []state{after}
		}
		if s.over {
			return same // done, or not, before the end
		}
	case superseded:
		if e.held != s.secret || s.over {
			return same
		}
	case gone:
		if s.over || e.at-e.loadedAt > idleTimeout/2 {
			return same
		}
	case conflict:
		return same
	case unknown:
		if may {
			plain, renewed := *e, *e
			plain.timed, renewed.timed = false, true
			return append(same, s.add(&plain), s.add(&renewed))
		}
		return same
	}
	return nil
}

// end is a logout.
func (s state) end(e *event, may bool, same []state) []state {
	out := s
	out.over, out.bySelf = true, true
	switch {
	case s.over, e.answer == superseded && e.held != s.secret, e.answer == conflict:
		return same
	case e.answer == ok && may:
		return []state{out}
	case e.answer == unknown && may:
		return append(same, out)
	case e.answer == unknown:
		return same
	case (e.answer == ok || e.answer == gone) && e.at-s.used >= idleTimeout-touchInterval:
		return same
	}
	return nil
}

// add makes the changes of an event.
func (s state) add(e *event) state {
	s.tags += join(e.adds)
	if e.kind == worked {
		return s
	}
	s.used = e.at
	switch {
	case e.login != "" || e.renew:
		s.secret, s.previous, s.tried = e.secret, "", false
	case e.timed && e.held == s.secret:
		s.secret, s.previous, s.tried = e.secret, s.secret, false
	case e.timed:
		s.secret, s.tried = e.secret, false
	}
	if e.login != "" {
		s.owner = e.login
	}
	return s
}

func (s state) create(e *event) state {
	tags := e.tags
	if e.answer == unknown {
		tags = e.adds
	}
	return state{born: true, owner: e.login, tags: join(tags), secret: e.secret, used: e.at}
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
