package session

import (
	"context"
	"errors"
	"slices"
	"time"
)

// trim ends the sessions of a subject beyond Options.MaxPerSubject, after a
// login. All logins spare the same sessions, so simultaneous logins leave no
// more than the limit. A failure does not fail the login.
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

// endExcess is one try of trim. It ends no session that changes meanwhile,
// because that one may already belong to another subject. The error is then
// ErrConflict.
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
	now := time.Now()
	slices.SortFunc(records, func(a, b Record) int {
		return lastUsedFirst(a.ID, b.ID, e.lastUsedOf(&a, now), e.lastUsedOf(&b, now))
	})
	for _, rec := range records[min(e.opts.MaxPerSubject, len(records)):] {
		started := e.started()
		switch err := e.store.Update(ctx, removal(rec.ID, rec.Version)); {
		case err == nil:
			e.watch.wrote(rec.ID)
			v.noteEnd(EndLimit, rec.ID, subject, started)
		case !errors.Is(err, ErrNotFound):
			return err
		}
	}
	return nil
}

// lastUsedOf returns the last use of a record. If another program with a longer
// IdleTimeout wrote the expiry, the last use seems to be in the future. Then
// the login counts instead: an old session must not outlast the one that has
// just logged in (law 19). The clocks of servers differ by less than a minute.
func (e *engine) lastUsedOf(rec *Record, now time.Time) time.Time {
	env, _ := openEnvelope(rec.Data, &e.likely)
	if used := e.lastUsed(&env, rec.ExpiresAt); used.Before(now.Add(time.Minute)) {
		return used
	}
	return env.startedAt()
}
