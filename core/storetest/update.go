package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	session "github.com/gostateful/session/core"
)

func updateReplaces(t *trial) {
	r := t.create(t.record())
	before := r.Subject
	r.Subject, r.ExpiresAt, r.Data = t.subject(), in(2*time.Hour), []byte("more data than there was before")
	r = t.update(r)
	t.holds("after Update", r)
	t.owns("after Update", r.Subject, r.ID)
	t.owns("after Update, of the subject before", before)

	r.Data = []byte("less")
	r = t.update(r)
	t.holds("after another Update", r)
	r = t.update(r)
	t.holds("after an Update that changed nothing but the version", r)
}

func updateOnlyOverItsVersion(t *trial) {
	r := t.record()
	r.Version = 5
	t.create(r)
	for _, version := range []uint64{0, 1, 4, 6, 1 << 40} {
		stale := r
		stale.Version, stale.Subject, stale.ExpiresAt, stale.Data = version, t.subject(), in(9*time.Hour), []byte("stale")
		doing := fmt.Sprintf("Update over version %d where 5 is stored", version)
		t.answers(doing, t.store.Update(t.Context(), stale), session.ErrConflict)
		t.holds("after "+doing, r)
		t.owns("after "+doing, stale.Subject)
	}
	read := r
	r = t.update(r)
	t.answers("Update over the version before", t.store.Update(t.Context(), read), session.ErrConflict)
	t.holds("after that Update", r)
}

func updateIsAtomic(t *trial) {
	for range 10 {
		r := t.create(t.record())
		racers := make([]session.Record, 8)
		for i := range racers {
			racers[i] = r
			racers[i].Subject = t.subject()
			racers[i].Data = fmt.Appendf(nil, "of racer %d", i)
		}
		errs := together(len(racers), func(i int) error {
			return t.store.Update(t.Context(), racers[i])
		})
		won := racers[t.oneWins("Update", errs, session.ErrConflict)]
		won.Version++
		t.holds("after racing Updates", won)
		for _, loser := range racers {
			if loser.Subject != won.Subject {
				t.owns("after racing Updates, of a loser", loser.Subject)
			}
		}
	}
}

func updateLosesNothing(t *trial) {
	const writers, each = 6, 8
	r := t.record()
	r.Data = []byte("0")
	t.create(r)
	errs := together(writers, func(int) error {
		for range each {
			if err := attempt(t.Context(), t.store, r.ID, increment); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("incrementing: %v", err)
	}
	r.Version += writers * each
	r.Data = strconv.AppendInt(nil, writers*each, 10)
	t.holds(fmt.Sprintf("after %d callers incremented %d times each", writers, each), r)
}

func increment(r *session.Record) {
	n, _ := strconv.Atoi(string(r.Data))
	r.Data = strconv.AppendInt(nil, int64(n)+1, 10)
}

// updateFindsNothing checks that an Update of an absent record writes nothing.
func (t *trial) updateFindsNothing(r session.Record) {
	t.Helper()
	before := r.Subject
	for _, version := range []uint64{r.Version, r.Version + 1, 0} {
		r.Version, r.Subject, r.ExpiresAt = version, t.subject(), in(time.Hour)
		t.answers("Update", t.store.Update(t.Context(), r), session.ErrNotFound)
		t.absent("after Update", r)
		t.owns("after Update, of the subject before", before)
	}
	r.ExpiresAt = in(-time.Hour)
	t.answers("Update with an ExpiresAt that has passed", t.store.Update(t.Context(), r), session.ErrNotFound)
	r.ExpiresAt = in(time.Hour)
	t.create(r)
	t.holds("after Update of an absent record and Create", r)
}

func updateOfAbsent(t *trial) { t.updateFindsNothing(t.record()) }

func updateAfterDelete(t *trial) {
	r := t.create(t.record())
	t.delete(r.ID)
	t.updateFindsNothing(r)
}

func updateAfterDeleteAll(t *trial) {
	r := t.create(t.record())
	t.deleteAll(r.Subject)
	t.updateFindsNothing(r)
}

func updateAfterExpiry(t *trial) { t.updateFindsNothing(t.expired()) }

func updateMovesExpiry(t *trial) {
	longer := t.soon(func(r session.Record) error {
		r.ExpiresAt = in(time.Hour)
		return t.store.Update(t.Context(), r)
	})
	t.pass(longer.ExpiresAt)
	got, err := t.store.Load(t.Context(), longer.ID)
	if err != nil {
		t.Fatalf("Load after the expiry that Update moved to a later time: %v", err)
	}
	t.same("List", t.only(longer.Subject), got)

	// The other way round: a record that would last an hour ends soon.
	for lead := realLead; ; lead *= 2 {
		r := t.create(t.record())
		r.ExpiresAt = in(lead)
		r = t.update(r)
		got, err := t.store.Load(t.Context(), r.ID)
		if !time.Now().Before(r.ExpiresAt.Add(-t.slack())) {
			continue // too late for a result
		}
		if err != nil {
			t.Fatalf("Load before the expiry that Update moved to an earlier time: %v", err)
		}
		t.same("Load before the expiry that Update moved to an earlier time", got, r)
		t.pass(r.ExpiresAt)
		t.absent("after the expiry that Update moved to an earlier time", r)
		return
	}
}

func updateIntoThePastDeletes(t *trial) {
	for _, past := range []struct {
		name string
		at   time.Time
	}{
		{"Unix time 0", time.Unix(0, 0)},
		{"before 1970", time.Date(1969, 7, 20, 20, 17, 0, 0, time.UTC)},
		{"the year 1", time.Time{}.Add(time.Millisecond)},
		{"an hour ago", in(-time.Hour)},
		{"now", in(-t.slack())},
	} {
		r := t.create(t.record())
		stale := r
		stale.Version, stale.ExpiresAt = r.Version+1, past.at
		t.answers("Update over another version with ExpiresAt "+past.name, t.store.Update(t.Context(), stale), session.ErrConflict)
		t.holds("after Update over another version with ExpiresAt "+past.name, r)

		gone := r
		gone.ExpiresAt = past.at
		if err := t.store.Update(t.Context(), gone); err != nil {
			t.Fatalf("Update with ExpiresAt %s: got error %v, want none", past.name, err)
		}
		t.absent("after Update with ExpiresAt "+past.name, r)
		gone.Version++
		t.answers("Touch of it", t.store.Touch(t.Context(), r.ID, in(time.Hour)), session.ErrNotFound)
		gone.ExpiresAt = in(time.Hour)
		t.answers("Update of it", t.store.Update(t.Context(), gone), session.ErrNotFound)
		t.create(r)
		t.holds("after Update with ExpiresAt "+past.name+" and Create", r)
	}
}

// updateKeeping stores a change of subject and data that keeps the expiry. It
// returns the record that should result.
func (t *trial) updateKeeping(doing string, r session.Record) session.Record {
	t.Helper()
	given := r
	given.ExpiresAt = time.Time{}
	if err := t.store.Update(t.Context(), given); err != nil {
		t.Fatalf("%s: got error %v, want none", doing, err)
	}
	r.Version++
	_, err := t.store.Load(t.Context(), r.ID)
	if errors.Is(err, session.ErrNotFound) {
		t.Fatalf("%s: the record is absent, want it with the expiry that was stored: only another ExpiresAt that has passed deletes", doing)
	}
	t.holds("after "+doing, r)
	if r.Subject != "" {
		t.owns("after "+doing, r.Subject, r.ID)
	}
	return r
}

func updateKeepsExpiry(t *trial) {
	r := t.create(t.record())
	before := r.Subject
	r.Data = []byte("more data than there was before")
	r = t.updateKeeping("Update of the data with a zero ExpiresAt", r)
	r.Subject, r.Data = t.subject(), []byte("less")
	r = t.updateKeeping("Update of subject and data with a zero ExpiresAt", r)
	t.owns("after an Update that keeps the expiry, of the subject before", before)
	r = t.updateKeeping("Update of nothing but the version with a zero ExpiresAt", r)
	before, r.Subject = r.Subject, ""
	r = t.updateKeeping("Update to no subject with a zero ExpiresAt", r)
	t.owns("after an Update that keeps the expiry, of the subject before", before)
	r.Subject = t.subject()
	r = t.updateKeeping("Update to a first subject with a zero ExpiresAt", r)

	stale := r
	stale.Version, stale.ExpiresAt, stale.Data = r.Version-1, time.Time{}, []byte("stale")
	t.answers("Update over another version with a zero ExpiresAt", t.store.Update(t.Context(), stale), session.ErrConflict)
	t.holds("after Update over another version with a zero ExpiresAt", r)

	// The kept expiry still ends the record.
	r = t.soon(func(r session.Record) error {
		r.ExpiresAt = time.Time{}
		return t.store.Update(t.Context(), r)
	})
	t.pass(r.ExpiresAt)
	t.absent("after the expiry that an Update with a zero ExpiresAt has kept", r)
}

func updateKeepsTouchedExpiry(t *trial) {
	for _, test := range []struct {
		name   string
		change func(r *session.Record)
		until  time.Duration
	}{
		{"of the data", func(r *session.Record) {}, 2 * time.Hour},
		{"of the data, for long,", func(r *session.Record) {}, 100 * time.Hour},
		{"of the subject", func(r *session.Record) { r.Subject = t.subject() }, 2 * time.Hour},
		{"of the subject, for long,", func(r *session.Record) { r.Subject = t.subject() }, 100 * time.Hour},
	} {
		r := t.create(t.record())
		touched := in(test.until)
		if err := t.store.Touch(t.Context(), r.ID, touched); err != nil {
			t.Fatalf("Touch: %v", err)
		}
		r.Data = []byte("new data") // the writer has read the record before the Touch
		test.change(&r)
		r.ExpiresAt = touched
		r = t.updateKeeping("Update "+test.name+" with a zero ExpiresAt, by who read the record before a Touch,", r)
		if n := t.deleteAll(r.Subject); n != 1 {
			t.Fatalf("after Update %s with a zero ExpiresAt: DeleteAll removed %d records, want 1", test.name, n)
		}
	}

	// If the Update took the Touch back, this record would expire.
	later := in(time.Hour)
	r := t.soon(func(r session.Record) error {
		if err := t.store.Touch(t.Context(), r.ID, later); err != nil {
			return err
		}
		r.ExpiresAt = time.Time{}
		return t.store.Update(t.Context(), r)
	})
	t.pass(r.ExpiresAt)
	r.Version, r.ExpiresAt = r.Version+1, later
	t.holds("after the expiry that was read before a Touch, which Update with a zero ExpiresAt keeps", r)
}

// updateLosesNoTouch has one writer in each round, so that no Update has to be
// repeated. A repetition would read the expiry anew.
func updateLosesNoTouch(t *trial) {
	const rounds, racers = 30, 3
	r := t.create(t.record())
	for round := range rounds {
		read := r
		read.ExpiresAt = time.Time{}
		r.Version++
		r.ExpiresAt = r.ExpiresAt.Add(time.Minute)
		errs := together(racers, func(i int) error {
			if i == round%racers { // the order of the calls changes
				return t.store.Update(t.Context(), read)
			}
			return t.store.Touch(t.Context(), r.ID, r.ExpiresAt)
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("Touch and Update with a zero ExpiresAt at the same time: %v", err)
		}
		t.holds("after Touch and Update with a zero ExpiresAt at the same time", r)
	}
}

func updateKeepingExpiryRevivesNothing(t *trial) {
	deleted, revoked := t.create(t.record()), t.create(t.record())
	t.delete(deleted.ID)
	t.deleteAll(revoked.Subject)
	for _, gone := range []struct {
		name string
		r    session.Record
	}{
		{"that was never there", t.record()}, {"that was deleted", deleted}, {"that DeleteAll removed", revoked}, {"that has expired", t.expired()},
	} {
		r := gone.r
		for _, version := range []uint64{r.Version, r.Version + 1, 0} {
			doing := "Update with a zero ExpiresAt of a record " + gone.name
			r.Version, r.ExpiresAt = version, time.Time{}
			t.answers(doing, t.store.Update(t.Context(), r), session.ErrNotFound)
			t.absent("after "+doing, r)
		}
		r.ExpiresAt = in(time.Hour)
		t.create(r)
		t.holds("after Update with a zero ExpiresAt of a record "+gone.name+" and Create", r)
	}
}
