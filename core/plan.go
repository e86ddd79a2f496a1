package session

import (
	"crypto/rand"
	"time"
)

// A plan is a record to be written, and the purpose of the write.
type plan struct {
	kind    planKind
	rec     Record
	env     envelope
	renewal renewal
	login   bool
	token   token // with the new secret, if any
}

type planKind uint8

const (
	planCreate planKind = iota // store a session that this request started
	planUpdate                 // change a stored one: data, renewal, login, first use
	planEnd                    // end one: Destroy
)

// makePlan makes a record of what is pending, to be written now. An end comes first:
// later changes belong to another session.
func (v *visit) makePlan(now time.Time) plan {
	if v.ending != nil {
		return v.planTombstone(now)
	}
	s := v.shown()
	p := plan{kind: planCreate, env: s.env, renewal: v.renewalDue(now), login: v.logsIn()}
	if v.base.proof.opens() {
		p.kind = planUpdate
	}
	switch {
	case p.kind == planCreate || p.renewal != noRenewal:
		if was := &v.base.env.device; was.bound() && !was.proven && p.renewal != proven && v.base.proof < current {
			p.env.device = binding{} // the browser has not received what the key was registered for
		}
		p.token = v.engine.newSecret(&p.env, s, now)
		p.env.carrier = v.engine.likely.carrier
	case v.firstUse():
		until := now.Add(v.engine.opts.StragglerWindow).UnixMilli()
		if p.env.device.bound() {
			p.env.device.proven = true
			until = min(until, p.env.previousUntil) // Renew has refused it, or its time is nearly over
		}
		p.env.previousUntil = until
	}
	if p.kind == planUpdate && p.renewal != noRenewal {
		p.env.renewed = now.UnixMilli()
		p.env.previous, p.env.previousUntil = v.retire(&p)
		if p.renewal == demanded {
			p.env.generation++
		}
	}
	p.rec = Record{ID: s.id, Version: s.version, Subject: v.engine.owner(s.subject), ExpiresAt: v.engine.idleUntil(&p.env, now)}
	if v.base.proof == trusted && !p.login {
		p.rec.ExpiresAt = time.Time{} // a job or a refresh does not count as a use: the store keeps the expiry that it has
	}
	p.mark()
	p.rec.Data = p.env.seal()
	return p
}

// mark gives the write a mark that no other write has.
func (p *plan) mark() {
	if p.token != (token{}) {
		copy(p.env.mark[:], p.env.secret[:]) // of the new secret
		return
	}
	rand.Read(p.env.mark[:]) // never fails, since Go 1.24
}

// retire returns the secret that becomes the previous one, and until when it is good.
func (v *visit) retire(p *plan) (digest, int64) {
	was, window := &v.base.env, v.engine.opts.StragglerWindow
	switch {
	case p.renewal == demanded:
		return v.base.digest, 0
	case p.renewal == proven && v.base.digest == was.previous && v.base.proof.opens() && was.device.proven:
		return was.previous, was.previousUntil // the browser lost the response of the last refresh
	case p.renewal == proven:
		return was.secret, was.secretEnds(window).UnixMilli()
	case p.env.device.bound():
		return v.base.digest, p.env.secretEnds(window).UnixMilli()
	}
	return v.base.digest, untilUsed
}

// planTombstone makes the record that Destroy leaves. It has no data and no
// owner, and lives for the straggler's window. It identifies requests that are
// still on their way (law 3). The window counts from the time in the envelope,
// because a late touch may move the record's expiry.
func (v *visit) planTombstone(now time.Time) plan {
	p := plan{kind: planEnd, env: v.ending.env}
	p.mark()
	p.env.ended = now.UnixMilli()
	p.env.content = content{codec: p.env.codec}
	p.rec = Record{
		ID: v.ending.id, Version: v.ending.version,
		ExpiresAt: fromMilli(now.Add(v.engine.opts.StragglerWindow).UnixMilli()),
		Data:      p.env.seal(),
	}
	return p
}

// removes turns the plan of a tombstone into a conditional removal of the
// session. That needs no room: a full store must not keep anybody logged in.
// Stragglers are then visitors without a session. It returns false if the plan
// is not a tombstone, or already removes the session.
func (p *plan) removes() bool {
	if p.kind != planEnd || p.rec.Data == nil {
		return false
	}
	p.rec = removal(p.rec.ID, p.rec.Version)
	return true
}

// removal is the Update that removes a session if it still has this version.
func removal(id ID, version uint64) Record {
	// The expiry is long past. The zero time would keep the stored one.
	return Record{ID: id, Version: version, ExpiresAt: time.UnixMilli(1)}
}
