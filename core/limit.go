package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// trim ends the sessions of a subject beyond Options.MaxPerSubject, after a login.
// A failure does not fail the login.
func (v *visit) trim(ctx context.Context, subject string) {
	if v.engine.opts.MaxPerSubject == 0 {
		return
	}
	started, err := v.engine.started(), ErrConflict
	for try := 0; errors.Is(err, ErrConflict) && try < 3; try++ {
		err = v.endExcess(ctx, subject)
	}
	if err != nil {
		v.note(EventError, ID{}, subject, started, unavailable("end the sessions beyond Options.MaxPerSubject", err))
	}
}

// endExcess is one try of trim. It ends no session that changes meanwhile: that one
// may be another subject's by now. The error is then ErrConflict.
func (v *visit) endExcess(ctx context.Context, subject string) error {
	e := v.engine
	records, err := e.store.List(ctx, e.owner(subject))
	if err != nil {
		return err
	}
	records = slices.DeleteFunc(records, func(rec Record) bool {
		env, err := openEnvelope(rec.Data, &e.likely)
		return err == nil && e.expired(rec.ExpiresAt, &env)
	})
	e.sortForTrim(records, e.lastUsed(&v.base.env, v.base.expiresAt))
	for _, rec := range records[min(e.opts.MaxPerSubject, len(records)):] {
		started := e.started()
		switch err := e.store.Update(ctx, removal(rec.ID, rec.Version)); {
		case err == nil:
			v.note(EventDestroyed, rec.ID, subject, started, nil)
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	return nil
}

// sortForTrim sorts sessions by their last use, the last one first. Each login
// comes to the same order, so that of simultaneous logins no more than allowed are
// left. A use after that of the present login, at used, counts as being at the same
// time, and then the login decides: the expiry may come from a program with another
// IdleTimeout, and must not end the session that has just logged in (law 19).
func (e *engine) sortForTrim(records []Record, used time.Time) {
	rank := func(rec *Record) (time.Time, time.Time) {
		env, _ := openEnvelope(rec.Data, &e.likely)
		if at := e.lastUsed(&env, rec.ExpiresAt); at.Before(used) {
			return at, env.startedAt()
		}
		return used, env.startedAt()
	}
	slices.SortFunc(records, func(a, b Record) int {
		usedA, startedA := rank(&a)
		usedB, startedB := rank(&b)
		return cmp.Or(usedB.Compare(usedA), startedB.Compare(startedA), bytes.Compare(b.ID[:], a.ID[:]))
	})
}
