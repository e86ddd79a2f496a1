package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

// sessions creates n records of one subject.
func (t *trial) sessions(subject string, n int) []session.Record {
	t.Helper()
	records := make([]session.Record, n)
	for i := range records {
		records[i] = t.record()
		records[i].Subject = subject
		t.create(records[i])
	}
	return records
}

func deleteAllRemoves(t *trial) {
	subject := t.subject()
	records := t.sessions(subject, 4)
	other := t.create(t.record())
	anonymous := t.record()
	anonymous.Subject = ""
	t.create(anonymous)
	t.deleteAll(subject)
	for _, r := range records {
		t.absent("after DeleteAll", r)
		t.answers("Touch after DeleteAll", t.store.Touch(t.Context(), r.ID, in(2*time.Hour)), session.ErrNotFound)
		t.answers("Update after DeleteAll", t.store.Update(t.Context(), r), session.ErrNotFound)
		t.absent("after DeleteAll, Touch and Update", r)
	}
	t.holds("after DeleteAll of another subject", other)
	t.holds("after DeleteAll of a subject", anonymous)
	t.create(records[0])
	t.owns("after DeleteAll and Create", subject, records[0].ID)
}

func deleteAllCounts(t *trial) {
	subject := t.subject()
	if n := t.deleteAll(subject); n != 0 {
		t.Fatalf("DeleteAll of a subject that nobody has: got %d, want 0", n)
	}
	records := t.sessions(subject, 5)
	ending := t.soon(func(r session.Record) error {
		r.Subject = subject
		return t.store.Update(t.Context(), r)
	})
	t.pass(ending.ExpiresAt)
	t.delete(records[0].ID)
	if n := t.deleteAll(subject, records[1].ID); n != 3 {
		t.Fatalf("DeleteAll with 4 live records, one of them spared, one deleted and one expired: got %d, want 3", n)
	}
	if n := t.deleteAll(subject); n != 1 {
		t.Fatalf("DeleteAll with 1 live record: got %d, want 1", n)
	}
	if n := t.deleteAll(subject); n != 0 {
		t.Fatalf("DeleteAll after DeleteAll: got %d, want 0", n)
	}
}

func deleteAllSparesExcept(t *trial) {
	subject := t.subject()
	records := t.sessions(subject, 5)
	other := t.create(t.record())
	ids := make([]session.ID, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	// Some of the exceptions are repeated, unknown, another subject's, or zero.
	except := []session.ID{ids[3], ids[1], ids[3], session.NewID(), other.ID, {}}
	given := slices.Clone(except)
	if n := t.deleteAll(subject, given...); n != 3 {
		t.Fatalf("DeleteAll of 5 sessions but 2: got %d removed, want 3", n)
	}
	if !slices.Equal(given, except) {
		t.Fatalf("DeleteAll changed the caller's exceptions: got %v, want %v", given, except)
	}
	for i, r := range records {
		if i == 1 || i == 3 {
			t.holds("spared by DeleteAll", r)
		} else {
			t.absent("not spared by DeleteAll", r)
		}
	}
	t.owns("after DeleteAll", subject, ids[1], ids[3])
	t.holds("after DeleteAll of another subject", other)
	if n := t.deleteAll(subject, ids...); n != 0 {
		t.Fatalf("DeleteAll but for all: got %d removed, want 0", n)
	}
	// More exceptions than some backends take in one statement's text.
	many := make([]session.ID, 0, 300)
	for len(many) < cap(many)-1 {
		many = append(many, session.NewID())
	}
	if n := t.deleteAll(subject, append(many, ids[3])...); n != 1 {
		t.Fatalf("DeleteAll of 2 sessions with %d exceptions of which 1 applies: got %d removed, want 1", cap(many), n)
	}
	t.owns("after DeleteAll with many exceptions", subject, ids[3])
}

func deleteAllFollowsSubject(t *trial) {
	alice, bob := t.subject(), t.subject()
	comes, goes, leaves := t.record(), t.record(), t.record()
	comes.Subject, goes.Subject, leaves.Subject = bob, alice, alice
	t.create(comes)
	t.create(goes)
	t.create(leaves)
	comes.Subject, goes.Subject, leaves.Subject = alice, bob, ""
	comes, goes, leaves = t.update(comes), t.update(goes), t.update(leaves)
	if n := t.deleteAll(alice); n != 1 {
		t.Fatalf("DeleteAll of a subject that lost two sessions and got one: got %d removed, want 1", n)
	}
	t.absent("after DeleteAll of the subject that it came to", comes)
	t.holds("after DeleteAll of the subject that it left", goes)
	t.holds("after DeleteAll of the subject that it left for none", leaves)
}

// deleteAllSparesWhatLeaves makes sessions leave the subject while its sessions
// are deleted. Each has either left and lives, or was deleted before it could
// leave.
func deleteAllSparesWhatLeaves(t *trial) {
	const movers, each = 3, 4
	for range 15 {
		subject := t.subject()
		records := t.sessions(subject, movers*each)
		left := make([]bool, len(records))
		errs := together(1+movers, func(i int) error {
			if i == movers {
				_, err := t.store.DeleteAll(t.Context(), subject)
				return err
			}
			for n := i; n < len(records); n += movers {
				records[n].Subject = subject + " of another"
				switch err := t.store.Update(t.Context(), records[n]); {
				case err == nil:
					records[n].Version++
					left[n] = true
				case !errors.Is(err, session.ErrNotFound):
					return fmt.Errorf("Update by the only writer: %w", err)
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("DeleteAll while sessions leave the subject: %v", err)
		}
		for n, r := range records {
			if left[n] {
				t.holds("after DeleteAll of the subject that it left", r)
			} else {
				t.absent("after DeleteAll before it could leave", r)
			}
		}
	}
}

// deleteAllWins runs DeleteAll while sessions of the subject are updated all
// the time and visitors log in. A login whose Update has returned must not
// survive a DeleteAll that starts afterwards.
func deleteAllWins(t *trial) {
	const visitors = 4
	for range 5 {
		subject := t.subject()
		records := t.sessions(subject, 6)
		var mu sync.Mutex
		stored := slices.Clone(records) // by a Create or Update that has returned
		var victims []session.Record    // what was stored when DeleteAll began
		at := newRace(visitors)
		change := func(mine []session.Record) error {
			for n := range mine {
				switch err := t.store.Update(t.Context(), mine[n]); {
				case err == nil:
					mine[n].Version++
				case !errors.Is(err, session.ErrNotFound):
					return fmt.Errorf("Update by the only writer: %w", err)
				}
			}
			return nil
		}
		login := func() error {
			r := t.record()
			r.Subject = ""
			if err := t.store.Create(t.Context(), r); err != nil {
				return fmt.Errorf("Create: %w", err)
			}
			r.Subject = subject
			if err := t.store.Update(t.Context(), r); err != nil {
				return fmt.Errorf("Update by the only writer: %w", err)
			}
			mu.Lock()
			defer mu.Unlock()
			stored = append(stored, r)
			return nil
		}
		errs := together(1+visitors, func(i int) error {
			if i == visitors {
				at.begun.Wait()
				defer close(at.over)
				mu.Lock()
				victims = slices.Clone(stored)
				mu.Unlock()
				_, err := t.store.DeleteAll(t.Context(), subject)
				return err
			}
			begun := sync.OnceFunc(at.begun.Done)
			defer begun()
			mine := slices.Clone(records[i/2*3 : i/2*3+3])
			for n := 0; n < 3 || !at.isOver(); n++ {
				var err error
				switch {
				case i%2 == 0:
					err = change(mine)
				case n < 100:
					err = login()
				default: // enough, if DeleteAll takes long
					<-at.over
				}
				if err != nil {
					return err
				}
				if n == 2 {
					begun()
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("DeleteAll and updates at the same time: %v", err)
		}
		for _, r := range victims {
			_, err := t.store.Load(t.Context(), r.ID)
			t.answers("Load after DeleteAll with updates at the same time", err, session.ErrNotFound)
		}
		t.deleteAll(subject)
	}
}
