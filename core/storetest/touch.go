package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

func touchMovesExpiry(t *trial) {
	later := in(time.Hour)
	r := t.soon(func(r session.Record) error {
		return t.store.Touch(t.Context(), r.ID, later)
	})
	t.pass(r.ExpiresAt)
	r.ExpiresAt = later
	t.holds("after the expiry that Touch moved", r)
	t.same("List", t.only(r.Subject), r)

	// The record lives to the expiry that Touch set, and no longer.
	end := in(2 * realLead)
	r = t.soon(func(r session.Record) error {
		end = r.ExpiresAt.Add(realLead)
		return t.store.Touch(t.Context(), r.ID, end)
	})
	t.pass(end)
	t.absent("after the expiry that Touch set", r)
}

func touchMovesNothingElse(t *trial) {
	r := t.record()
	r.Version = 3
	t.create(r)
	for i := range 3 {
		r.ExpiresAt = in(time.Duration(2+i) * time.Hour)
		if err := t.store.Touch(t.Context(), r.ID, r.ExpiresAt); err != nil {
			t.Fatalf("Touch: %v", err)
		}
		t.holds("after Touch", r)
		t.owns("after Touch", r.Subject, r.ID)
	}
	// A caller that read the record before may still write it.
	r.Data = []byte("new data")
	r = t.update(r)
	t.holds("after Touch and Update", r)
}

func touchNeverShortens(t *trial) {
	r := t.create(t.record())
	for _, earlier := range []struct {
		name string
		at   time.Time
	}{
		{"the same time", r.ExpiresAt},
		{"a millisecond earlier", r.ExpiresAt.Add(-time.Millisecond)},
		{"a minute ahead", in(time.Minute)},
		{"now", in(0)},
		{"a past time", in(-time.Hour)},
		{"the zero time", time.Time{}},
		{"Unix time 0", time.Unix(0, 0)},
		{"a time before 1970", time.Date(1969, 7, 20, 20, 17, 0, 0, time.UTC)},
	} {
		if err := t.store.Touch(t.Context(), r.ID, earlier.at); err != nil {
			t.Fatalf("Touch to %s: got error %v, want none", earlier.name, err)
		}
		t.holds("after Touch to "+earlier.name, r)
		t.owns("after Touch to "+earlier.name, r.Subject, r.ID)
	}
	// Racing touches never shorten it either: the latest time stands.
	for range 15 {
		const racers = 8
		latest := r.ExpiresAt.Add(racers * time.Minute)
		errs := together(racers, func(i int) error {
			return t.store.Touch(t.Context(), r.ID, latest.Add(-time.Duration(i)*time.Minute))
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("racing Touches: %v", err)
		}
		r.ExpiresAt = latest
		t.holds("after racing Touches", r)
	}
}

// touchFindsNothing checks that a Touch of an absent record revives nothing.
func (t *trial) touchFindsNothing(r session.Record) {
	t.Helper()
	for _, at := range []time.Time{in(time.Hour), in(-time.Hour), {}} {
		t.answers("Touch", t.store.Touch(t.Context(), r.ID, at), session.ErrNotFound)
		t.absent("after Touch", r)
	}
	r.Version, r.Data, r.ExpiresAt = 4, []byte("new data"), in(time.Hour)
	t.create(r)
	t.holds("after Touch of an absent record and Create", r)
}

func touchOfAbsent(t *trial) { t.touchFindsNothing(t.record()) }

func touchAfterDelete(t *trial) {
	r := t.create(t.record())
	t.delete(r.ID)
	t.touchFindsNothing(r)
}

func touchAfterDeleteAll(t *trial) {
	r := t.create(t.record())
	t.deleteAll(r.Subject)
	t.touchFindsNothing(r)
}

func touchAfterExpiry(t *trial) { t.touchFindsNothing(t.expired()) }

// touchLosesNoUpdate has one writer, so that only a Touch can spoil an Update.
// The touches go on as long as it writes.
func touchLosesNoUpdate(t *trial) {
	const updates, touchers = 40, 2
	r := t.record()
	r.Data = []byte("0")
	t.create(r)
	at := newRace(touchers)
	// Each Update waits until a Touch is done, so that the next one is under way.
	// Otherwise all updates could be over before the machine runs anything else.
	touched, failed := make(chan struct{}, 1), make(chan struct{}, touchers)
	errs := together(1+touchers, func(i int) error {
		if i == touchers {
			at.begun.Wait()
			defer close(at.over)
			own := r
			for range updates {
				select {
				case <-touched:
				case <-failed:
					return nil // the toucher returns the error
				}
				increment(&own)
				if err := t.store.Update(t.Context(), own); err != nil {
					return fmt.Errorf("Update by the only writer: %w", err)
				}
				own.Version++
			}
			return nil
		}
		begun := sync.OnceFunc(at.begun.Done)
		defer begun()
		for n := 1; !at.isOver(); n++ {
			if err := t.store.Touch(t.Context(), r.ID, r.ExpiresAt.Add(time.Duration(n)*time.Second)); err != nil {
				failed <- struct{}{}
				return fmt.Errorf("Touch: %w", err)
			}
			begun()
			select {
			case touched <- struct{}{}:
			default:
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Touch and Update at the same time: %v", err)
	}
	got, err := t.store.Load(t.Context(), r.ID)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	r.Version, r.Data = r.Version+updates, strconv.AppendInt(nil, updates, 10)
	r.ExpiresAt = got.ExpiresAt // that of the last touch
	t.same("after Touch and Update at the same time", got, r)
}
