package session

import (
	"crypto/rand"
	"time"
)

// A plan is a record on its way to the store, and what it is for.
type plan struct {
	kind    planKind
	rec     Record
	env     envelope
	renewal renewal
	login   bool
	token   token // with the new secret, if there is one
}

type planKind uint8

const (
	planCreate planKind = iota // a session that this request started
	planUpdate                 // one that is stored: data, renewal, login, first use
	planEnd                    // one that Destroy ended
)

// makePlan makes a record of what is pending. An end comes before what was
// changed after it, which belongs to another session.
func (v *visit) makePlan() plan {
	now := time.Now()
	if v.ending != nil {
		return v.planTombstone(now)
	}
	p := plan{kind: planCreate, env: v.shown.env, renewal: v.renewalDue(now), login: v.logsIn()}
	if v.base.proof.opens() {
		p.kind = planUpdate
	}
	rand.Read(p.env.mark[:]) // never fails, since Go 1.24
	switch {
	case p.kind == planCreate || p.renewal != noRenewal:
		p.token = newToken(v.shown.id)
		p.env.secret = p.token.digest()
		p.env.carrier = v.engine.likely.carrier
	case v.firstUse():
		p.env.previousUntil = now.Add(v.engine.opts.StragglerWindow).UnixMilli()
	}
	if p.kind == planUpdate && p.renewal != noRenewal {
		p.env.renewed = now.UnixMilli()
		p.env.previous, p.env.previousUntil = v.base.digest, untilUsed
		if p.renewal == demanded {
			p.env.previousUntil = 0
			p.env.generation++
		}
	}
	p.rec = Record{ID: v.shown.id, Version: v.shown.version, Subject: v.engine.owner(v.shown.subject), ExpiresAt: v.engine.idleUntil(now)}
	if v.base.proof == trusted {
		p.rec.ExpiresAt = v.base.expiresAt // a job is no use
	}
	p.rec.Data = p.env.seal()
	return p
}

// planTombstone makes what a session leaves that its own request has ended. It
// has no data and no owner, and lives for the straggler's window, by which the
// requests that are on their way are recognised (law 3). A touch that comes late
// may move the expiry of the record; so the window is judged by the time in the
// envelope.
func (v *visit) planTombstone(now time.Time) plan {
	p := plan{kind: planEnd, env: v.ending.env}
	rand.Read(p.env.mark[:])
	p.env.ended = now.UnixMilli()
	p.env.content = content{codec: p.env.codec}
	p.rec = Record{
		ID: v.ending.id, Version: v.ending.version,
		ExpiresAt: now.Add(v.engine.opts.StragglerWindow).UTC().Truncate(time.Millisecond),
		Data:      p.env.seal(),
	}
	return p
}

// removes turns a tombstone into the removal of the session, as conditional,
// which needs no room: a full store must not keep anybody logged in. Stragglers
// are then visitors without a session. It reports false if it is one already.
func (p *plan) removes() bool {
	if p.kind != planEnd || p.rec.ExpiresAt.IsZero() {
		return false
	}
	p.rec.ExpiresAt, p.rec.Data = time.Time{}, nil
	return true
}
