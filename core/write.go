package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// flush writes what is pending. The cancellation of ctx does not stop it (law
// 8). The deadline of ctx does, if heedDeadline is set. If flush fails, the
// pending changes are dropped.
func (v *visit) flush(ctx context.Context, heedDeadline bool) error {
	if !v.dirty() {
		v.pending = nil
		return nil
	}
	now := time.Now()
	deadline := now.Add(v.engine.opts.StoreTimeout)
	if d, ok := ctx.Deadline(); ok && heedDeadline && d.Before(deadline) {
		deadline = d
	}
	b := detach(ctx, deadline)
	defer b.stop()
	var race race
	defer race.end()
	flushed := false
	defer func() {
		if !flushed { // it failed, or an Update function that ran again panicked
			v.drop()
		}
	}()
	for ; v.dirty(); now = time.Now() {
		p := v.makePlan(now)
		err := v.carryOut(b, &p, &race)
		if err != nil {
			err = v.goOn(err)
		}
		if err != nil {
			v.giveUp(err, &p)
			return err
		}
		if p.login && v.base.env.mark == p.env.mark { // it is stored
			v.trim(b, v.base.subject)
		}
	}
	flushed, v.pending = true, nil
	return nil
}

// carryOut stores a plan by compare-and-swap. Without an error, either the plan is
// stored, or the visit is ready for another plan.
func (v *visit) carryOut(ctx context.Context, p *plan, race *race) error {
	for {
		if err := v.sendable(p); err != nil {
			return err
		}
		started := v.engine.started()
		err := v.send(ctx, p)
		if err == nil {
			race.doubt = nil
			v.settle(p, started)
			return nil
		}
		if !promises(err) {
			if race.doubt != nil && !p.removes() {
				return unavailable("write", err)
			}
			race.doubt = err
		}
		if race.wait(ctx, &v.engine.queue, p.rec.ID) != nil {
			return outOfTime(race.doubt)
		}
		found, err := v.look(ctx, p)
		if err != nil {
			if race.doubt != nil {
				err = fmt.Errorf("%w, after a write that failed: %w", err, race.doubt)
			}
			return err
		}
		if what := judge(p.kind, race.doubt != nil, found.sight); what != again {
			return v.follow(what, p, found, race, started)
		}
	}
}

// sendable returns an error if a plan must not be sent.
func (v *visit) sendable(p *plan) error {
	switch {
	case p.rec.ID.IsZero():
		return mistakef("session: Options.NewID returned the zero ID")
	case p.kind == planUpdate && v.outlived(time.Now()):
		return errTooLate // the store does not know Lifetime, and others may have seen the session end
	}
	return nil
}

func (v *visit) send(ctx context.Context, p *plan) error {
	if p.kind == planCreate {
		return v.engine.store.Create(ctx, p.rec)
	}
	return v.engine.store.Update(ctx, p.rec)
}

// promises reports whether the error promises that the store wrote nothing.
func promises(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrExists) || errors.Is(err, ErrNotFound)
}

// A finding is what is stored now in place of a plan.
type finding struct {
	sight
	rec Record
	env envelope
}

// look reads what is stored after a write that did not succeed.
func (v *visit) look(ctx context.Context, p *plan) (finding, error) {
	rec, env, err := v.engine.fetch(ctx, p.rec.ID)
	f := finding{rec: rec, env: env}
	f.ended = env.ended != 0
	now := time.Now()
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return f, err
	case err != nil && !f.ended:
		f.relation, f.overdue = absent, !now.Before(v.engine.endsAt(&v.base.state))
		return f, nil
	case env.mark == p.env.mark:
		f.relation = own
	case p.kind == planCreate:
		f.relation = other
	case rec.Version == p.rec.Version:
		f.relation = same
	case rec.Version == p.rec.Version+1:
		f.relation = next
	default:
		f.relation = further
	}
	held := &v.base
	if p.kind == planEnd {
		held = v.ending
	}
	f.proof = held.still(&env, now, v.engine.opts.StragglerWindow)
	if f.proof == trusted && p.kind == planUpdate && held.subject != "" && held.subject != v.engine.subject(rec.Subject) {
		f.ended = true // a job's change is not for the data of a newer login
	}
	return f, nil
}

// follow carries out a verdict. An error ends the commit, unless goOn handles
// it.
func (v *visit) follow(what verdict, p *plan, found finding, race *race, started time.Time) error {
	switch what {
	case done:
		race.doubt = nil
		v.settle(p, started)
		return nil
	case elsewhere:
		return v.rename(race)
	case doubtful:
		return unavailable("write", fmt.Errorf("it may have been done, and another write after it: %w", race.doubt))
	}
	race.doubt = nil // the write in doubt was not done
	lost := newEvent(EventConflict, p.rec.ID, v.base.subject, started, nil)
	lost.Again = what == newer
	v.report(lost)
	if what == newer {
		return v.rebase(p, found)
	}
	v.answer, v.cameBy = keep, false // the cookie may already belong to a newer session
	switch what {
	case refused:
		v.refusal = refusal{err: ErrSuperseded, until: found.env.stragglersUntil(v.engine.opts.StragglerWindow), told: true}
		return ErrSuperseded
	case late:
		return errTooLate
	default:
		return errEnded
	}
}

// rename gives a new session another ID: the store may already have the first.
func (v *visit) rename(race *race) error {
	if race.renamed++; race.renamed > 3 {
		return fmt.Errorf("%w: Options.NewID repeats itself", ErrExists)
	}
	id := v.engine.opts.NewID()
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	v.base.id, v.shown().id = id, id
	return nil
}

// rebase makes the newer record the base, and makes the pending changes again.
func (v *visit) rebase(p *plan, found finding) error {
	if p.kind == planEnd {
		v.ending.version, v.ending.env = found.rec.Version, found.env
		return nil
	}
	v.base.proof = found.proof
	pending := v.pending
	if err := v.adopt(found.rec, found.env); err != nil {
		return err
	}
	return v.replay(pending)
}

func (v *visit) replay(pending []change) error {
	for _, c := range pending {
		if err := v.apply(c); err != nil {
			return fmt.Errorf("%w: an Update refused the newer data: %w", ErrConflict, err)
		}
	}
	v.pending = pending
	return nil
}

// goOn continues the commit after the request has lost its session, or returns
// why it cannot. A pending login, and the changes after it, go on in a new
// session (law 3). If the session has ended already, a logout of it is done.
func (v *visit) goOn(reason error) error {
	if reason != errEnded && reason != ErrSuperseded && reason != errTooLate {
		return reason
	}
	if reason == errEnded && v.ending != nil && len(v.pending) == 0 {
		v.ending, v.refusal.err = nil, errEnded // later changes belong to no session
		return nil
	}
	first := slices.IndexFunc(v.pending, func(c change) bool { return c.login != nil })
	if first < 0 {
		return reason
	}
	pending := v.pending[first:]
	v.pending = v.pending[:first]
	v.startAnew(reason)
	return v.replay(pending)
}

// giveUp notes why the pending changes cannot be stored.
func (v *visit) giveUp(err error, p *plan) {
	if errors.Is(err, errSpent) || errors.Is(err, errUnproven) || errors.Is(err, errNewerLogin) {
		return // another registration, refresh or login was faster
	}
	kind, subject := EventError, v.base.subject
	if v.ending != nil {
		subject = v.ending.subject
	}
	if err == errEnded || err == ErrSuperseded { // not errors.Is: an Update function may return anything
		kind = EventDiscarded
		v.refusal.err, v.ending = err, nil
	}
	v.note(kind, p.rec.ID, subject, time.Time{}, err)
}

// settle makes the stored plan the new base.
func (v *visit) settle(p *plan, started time.Time) {
	v.engine.watch.wrote(p.rec.ID)
	if p.kind == planEnd {
		cause := EndLogout
		if v.ending.sealed != nil {
			cause = EndReplaced
		}
		v.noteEnd(cause, p.rec.ID, v.ending.subject, started)
		v.ending, v.answer = nil, keep
		if v.cameBy {
			v.answer = takeAway
		}
		return
	}
	was, next := v.base, *v.shown()
	next.env, next.expiresAt, next.version = p.env, cmp.Or(p.rec.ExpiresAt, next.expiresAt), p.rec.Version
	if p.kind == planUpdate {
		next.version++
	}
	v.stored(&next, p)
	v.pending = nil
	if p.login {
		v.refusal = refusal{}
	}
	if p.token != (token{}) {
		v.base.digest, v.token, v.answer = p.env.secret, p.token, handOut
		if was.proof != trusted {
			v.base.proof = current
		}
	}
	v.tell(p, &was.state, started)
}

// stored makes what a plan has stored the state of the base.
func (v *visit) stored(s *state, p *plan) {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	v.base.state, v.draft = *s, nil
	v.typed.stored(write{p.rec.ID, p.env.mark})
}

// tell reports what the stored plan has changed.
func (v *visit) tell(p *plan, was *state, started time.Time) {
	for _, e := range []struct {
		happened bool
		kind     EventKind
	}{
		{p.kind == planCreate, EventCreated},
		{p.kind == planUpdate && !bytes.Equal(p.env.data, was.env.data), EventChanged},
		{p.env.device.bound() && !was.env.device.bound(), EventBound},
		{was.env.device.bound() && !p.env.device.bound() && !p.login, EventReused}, // a registration is undone
		{p.renewal == proven, EventRefreshed},
		{p.kind == planUpdate && (p.renewal == demanded || p.renewal == offered && !p.env.device.bound()), EventRenewed},
		{p.login, EventLogin},
	} {
		if e.happened {
			v.note(e.kind, p.rec.ID, v.base.subject, started, nil)
			started = time.Time{} // one event has the duration of the call
		}
	}
}
