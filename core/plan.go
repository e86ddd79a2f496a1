package session

import (
	"crypto/rand"
	"time"
)

// A plan is a record on its way to the store, and what it is for.
type plan struct {
	kind    planned
	rec     Record
	env     envelope
	renewal renewal
	token   token // with the new secret, if there is one
}

type planned uint8

const (
	creation planned = iota // of a session that this request started
	update                  // of one that is stored: data, renewal, login, first use
	end                     // of one that Destroy ended
)

// plan makes a record of what is pending. An end comes before what was changed
// after it, which belongs to another session.
func (v *visit) plan() plan {
	now := time.Now()
	if v.ending != nil {
		return v.planEnd(now)
	}
	r := v.renewal(now)
	p := plan{kind: creation, env: v.now.env, renewal: r}
	if v.proof.opens() {
		p.kind = update
	}
	rand.Read(p.env.mark[:]) // never fails, since Go 1.24
	switch {
	case p.kind == creation || r != kept:
		p.token = newToken(v.now.id)
		p.env.secret = p.token.digest()
		p.env.carrier = v.engine.likely.carrier
	case v.firstUse():
		p.env.previousUntil = now.Add(v.engine.opts.StragglerWindow).UnixMilli()
	}
	if p.kind == update && r != kept {
		p.env.renewed = now.UnixMilli()
		p.env.previous, p.env.previousUntil = v.digest, untilUsed
		if r == demanded {
			p.env.previousUntil = 0
		}
	}
	p.rec = Record{ID: v.now.id, Version: v.now.version, Subject: v.engine.owner(v.now.subject), ExpiresAt: v.engine.idleUntil(now)}
	if v.proof == trusted {
		p.rec.ExpiresAt = time.Time{} // a job is no use, and takes none back: the store keeps what it has
	}
	p.rec.Data = p.env.seal()
	return p
}

// removes turns a tombstone that could not be stored twice into the removal of
// the session, as conditional, which needs no room: a full store must not keep
// anybody logged in. Stragglers are then visitors without a session.
func (p *plan) removes() bool {
	if p.kind != end || p.rec.Data == nil {
		return false
	}
	p.rec.ExpiresAt, p.rec.Data = time.UnixMilli(1), nil // has passed, and is not the zero time, which would keep it
	return true
}

// planEnd makes the tombstone that a session leaves. It has no data and no
// owner, and lives for the straggler's window, by which its requests that are on
// their way are recognised (law 3). A touch that comes late may move the expiry
// of the record; so the window is judged by the time in the envelope.
func (v *visit) planEnd(now time.Time) plan {
	p := plan{kind: end, env: v.ending.env}
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
