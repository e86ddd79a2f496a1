package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

// callAll is a call of All. It is not in calls, because not every store has it.
var callAll = call{"All", func(ctx context.Context, s session.Store, _, _ session.Record) (err error) {
	for _, err = range s.(session.Iterable).All(ctx) {
		if err != nil {
			break
		}
	}
	return err
}}

// goThrough calls see with each record of All until see returns false. It
// returns the error of All. The store may hold records that are not of this
// test.
func (t *trial) goThrough(ctx context.Context, see func(r session.Record) bool) (failure error) {
	t.Helper()
	for r, err := range t.store.(session.Iterable).All(ctx) {
		switch {
		case failure != nil:
			t.Fatalf("All: goes on after the error %v, want it to be the last", failure)
		case err != nil:
			failure = err
		case !see(r):
			return nil
		}
	}
	return failure
}

// all returns the records that All shows, the last one of each ID.
func (t *trial) all() map[session.ID]session.Record {
	t.Helper()
	seen := map[session.ID]session.Record{}
	err := t.goThrough(t.Context(), func(r session.Record) bool { seen[r.ID] = r; return true })
	if err != nil {
		t.Fatalf("All: %v", err)
	}
	return seen
}

// createMany stores records, some of which have a subject.
func (t *trial) createMany(n int) []session.Record {
	t.Helper()
	const callers = 10
	records := make([]session.Record, n)
	subject := t.subject()
	for i := range records {
		records[i] = t.record()
		records[i].Version, records[i].Data = uint64(i), numbered(records[i].ID, uint64(i))
		records[i].Subject = []string{"", subject, records[i].Subject}[i%3]
	}
	errs := together(callers, func(caller int) error {
		for i := caller; i < n; i += callers {
			if err := t.store.Create(t.Context(), records[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return records
}

// numbered returns data that tells the record and its version.
func numbered(id session.ID, version uint64) []byte { return fmt.Appendf(nil, "%v %d", id, version) }

func allIsComplete(t *trial) {
	const many = 1100 // more than most stores take at once
	records := t.createMany(many)
	for i := 0; i < many; i += 100 {
		records[i].Data, records[i].ExpiresAt = []byte("changed"), in(2*time.Hour)
		records[i] = t.update(records[i])
	}
	seen := t.all()
	for _, r := range records {
		got, ok := seen[r.ID]
		if !ok {
			t.Fatalf("All: shows %d records, and not one of the %d that were created", len(seen), many)
		}
		t.same("All", got, r)
	}
}

// allMissesNothing changes the store at each record that it is shown, and all
// the time from other goroutines.
func allMissesNothing(t *trial) {
	const rounds, changers = 3, 3
	lasting, passing := t.createMany(300), t.createMany(300)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for changer := range changers {
		wg.Go(func() {
			for i := changer; ctx.Err() == nil; i += changers {
				if err := t.disturb(ctx, lasting[i%len(lasting)].ID, i); err != nil && ctx.Err() == nil {
					t.Errorf("meanwhile: %v", err)
					return
				}
			}
		})
	}
	for range rounds {
		steps := 0
		t.shows(lasting, func() {
			if steps%3 == 0 && len(passing) > 0 { // the first ones created may come first
				t.delete(passing[0].ID)
				passing = passing[1:]
			}
			if steps < len(lasting) {
				if err := t.disturb(t.Context(), lasting[(steps+len(lasting)/2)%len(lasting)].ID, steps); err != nil {
					t.Fatalf("meanwhile: %v", err)
				}
			}
			steps++
		})
	}
}

// shows checks that All shows these records, while do runs at each record.
func (t *trial) shows(lasting []session.Record, do func()) {
	t.Helper()
	seen := map[session.ID]bool{}
	err := t.goThrough(t.Context(), func(r session.Record) bool {
		seen[r.ID] = true
		do()
		return true
	})
	if err != nil {
		t.Fatalf("All: %v", err)
	}
	for i, r := range lasting {
		if !seen[r.ID] {
			t.Fatalf("All: does not show session %d of %d that were there from the beginning to the end; shows %d in all", i, len(lasting), len(seen))
		}
	}
}

// disturb changes the store, and ends no session that was there before.
func (t *trial) disturb(ctx context.Context, id session.ID, i int) error {
	switch i % 4 {
	case 0:
		return t.store.Touch(ctx, id, in(2*time.Hour+time.Duration(i)*time.Second))
	case 1, 2:
		return attempt(ctx, t.store, id, func(r *session.Record) {
			r.Data = numbered(id, r.Version+1)
			r.ExpiresAt = in(2*time.Hour + time.Duration(i%1000)*time.Minute)
		})
	}
	for _, first := range []byte{0x00, 0x7f, 0xff} { // before, among or after the others
		r := t.record()
		r.ID[0] = first
		if err := t.store.Create(ctx, r); err != nil {
			return err
		}
		if err := t.store.Delete(ctx, r.ID); err != nil {
			return err
		}
	}
	return nil
}

func allShowsLiveOnly(t *trial) {
	live, deleted, ended := t.create(t.record()), t.create(t.record()), t.create(t.record())
	expired := t.expired()
	t.delete(deleted.ID)
	ended.ExpiresAt = in(-time.Second)
	t.update(ended)
	seen := t.all()
	t.same("All", seen[live.ID], live)
	for how, r := range map[string]session.Record{"was deleted": deleted, "has expired": expired, "was updated into the past": ended} {
		if _, ok := seen[r.ID]; ok {
			t.Fatalf("All: shows a record that %s", how)
		}
	}
}

func shownDataIsNotChanged(t *trial) {
	want := map[session.ID]session.Record{}
	for _, r := range t.createMany(40) {
		want[r.ID] = apart(r)
	}
	var kept []session.Record
	err := t.goThrough(t.Context(), func(r session.Record) bool {
		if _, ok := want[r.ID]; ok {
			kept = append(kept, r)
		}
		return true
	})
	if err != nil {
		t.Fatalf("All: %v", err)
	}
	for _, r := range want {
		r.Data = []byte("changed!")
		t.update(r)
	}
	for _, r := range kept {
		t.same("what All has shown, after it went on and the records were changed", r, want[r.ID])
	}
}
