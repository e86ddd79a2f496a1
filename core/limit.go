package session

import (
	"slices"
	"time"
)

// trim ends the sessions of a subject beyond Options.MaxPerSubject, after a login.
// Each login spares the same ones, so that of simultaneous logins no more than
// these are left. A failure does not fail the login.
func (v *visit) trim(subject string) {
	e := v.engine
	if e.opts.MaxPerSubject == 0 {
		return
	}
	b := detach(v.ctx, e.opts.StoreTimeout)
	defer b.stop()
	started := e.started()
	records, err := e.store.List(b, e.owner(subject))
	records = slices.DeleteFunc(records, func(rec Record) bool {
		env, err := openEnvelope(rec.Data, &e.likely)
		return err == nil && e.expired(rec.ExpiresAt, &env)
	})
	slices.SortFunc(records, func(a, b Record) int {
		return lastUsedFirst(a.ID, b.ID, e.lastUsedOf(&a), e.lastUsedOf(&b))
	})
	for i := e.opts.MaxPerSubject; i < len(records) && err == nil; i++ {
		started = e.started()
		if err = e.store.Delete(b, records[i].ID); err == nil {
			v.note(EventDestroyed, records[i].ID, subject, started, nil)
		}
	}
	if err != nil {
		v.note(EventError, ID{}, subject, started, unavailable("end the sessions beyond Options.MaxPerSubject", err))
	}
}

// lastUsedOf is the last use of a record, as far as its envelope can be read.
func (e *engine) lastUsedOf(rec *Record) time.Time {
	env, _ := openEnvelope(rec.Data, &e.likely)
	return e.lastUsed(&env, rec.ExpiresAt)
}
