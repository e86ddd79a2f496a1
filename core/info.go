package session

import (
	"bytes"
	"cmp"
	"time"
)

// Info describes a session to its owner or an administrator, as in a list of
// "your devices". It holds no secret.
type Info[T any] struct {
	ID              ID        `json:"id"`
	Subject         string    `json:"subject,omitempty"`
	Data            T         `json:"data"`
	Remembered      bool      `json:"remembered"`        // by LoginOptions.Remember
	Binding         Binding   `json:"binding,omitempty"` // to the device of its browser
	CreatedAt       time.Time `json:"createdAt"`
	AuthenticatedAt time.Time `json:"authenticatedAt,omitzero"` // zero if never
	LastUsedAt      time.Time `json:"lastUsedAt"`               // as recorded: it lags by at most a minute, see Options.IdleTimeout
	ExpiresAt       time.Time `json:"expiresAt"`                // when it ends if it is not used again
	LifetimeEndsAt  time.Time `json:"lifetimeEndsAt"`           // when it ends however much it is used
}

// info describes a session, without its data.
func (m *Manager[T]) info(s *state) Info[T] {
	return Info[T]{
		ID: s.id, Subject: s.subject, Remembered: s.env.remembered(), Binding: m.bindingOf(&s.env),
		CreatedAt: fromMilli(s.env.created), AuthenticatedAt: fromMilli(s.env.authenticated),
		LastUsedAt: m.lastUsed(&s.env, s.expiresAt), ExpiresAt: m.endsAt(s),
		LifetimeEndsAt: m.lifetimeEnd(&s.env),
	}
}

// describe returns what can be read of a record, even with an error.
func (m *Manager[T]) describe(rec Record) (info Info[T], expired bool, err error) {
	env, err := openEnvelope(rec.Data, &m.likely)
	if err != nil {
		info = Info[T]{ID: rec.ID, Subject: m.subject(rec.Subject), ExpiresAt: rec.ExpiresAt, LastUsedAt: m.lastUsed(&m.likely, rec.ExpiresAt)}
		return info, !time.Now().Before(rec.ExpiresAt), undecodable(rec.ID, err)
	}
	info = m.info(&state{id: rec.ID, subject: m.subject(rec.Subject), expiresAt: rec.ExpiresAt, env: env})
	var data *T
	if err = m.migrate(&env.content); err == nil {
		data, err = decode[T](&m.engine, env.data)
	}
	if err != nil {
		return info, m.expired(rec.ExpiresAt, &env), undecodable(rec.ID, err)
	}
	info.Data = *data
	return info, m.expired(rec.ExpiresAt, &env), nil
}

// visible is describe, for a record that may be another realm's, a tombstone or
// expired.
func (m *Manager[T]) visible(rec Record) (_ Info[T], ok bool, _ error) {
	env, err := openEnvelope(rec.Data, &m.likely)
	if err != nil && !m.owns(rec.Subject) || err == nil && env.realm != m.opts.Realm {
		return Info[T]{}, false, nil
	}
	info, expired, err := m.describe(rec)
	return info, !expired, err
}

// lastUsedFirst is the order of List. Of sessions last used at the same time,
// the one with the higher ID is first, because it is mostly the newer one.
func lastUsedFirst(a, b ID, usedA, usedB time.Time) int {
	return cmp.Or(usedB.Compare(usedA), bytes.Compare(b[:], a[:]))
}
