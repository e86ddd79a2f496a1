package storetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

// A call is one call of one method. present is a live record, and fresh is
// absent.
type call struct {
	name string
	do   func(ctx context.Context, s session.Store, present, fresh session.Record) error
}

var calls = []call{
	{"Load", func(ctx context.Context, s session.Store, present, _ session.Record) error {
		r, err := s.Load(ctx, present.ID)
		if diff := difference(r, present); err == nil && diff != "" {
			return fmt.Errorf("%w: without an error, but with another record: %s", session.ErrConflict, diff)
		}
		return err
	}},
	{"Load of an absent record", func(ctx context.Context, s session.Store, _, fresh session.Record) error {
		_, err := s.Load(ctx, fresh.ID)
		return err
	}},
	{"Create", func(ctx context.Context, s session.Store, _, fresh session.Record) error {
		return s.Create(ctx, fresh)
	}},
	{"Create over a live record", func(ctx context.Context, s session.Store, present, fresh session.Record) error {
		fresh.ID = present.ID
		return s.Create(ctx, fresh)
	}},
	{"Update", func(ctx context.Context, s session.Store, present, _ session.Record) error {
		return s.Update(ctx, changed(present))
	}},
	{"Update over another version", func(ctx context.Context, s session.Store, present, _ session.Record) error {
		present.Version += 7
		return s.Update(ctx, present)
	}},
	{"Update of an absent record", func(ctx context.Context, s session.Store, _, fresh session.Record) error {
		return s.Update(ctx, fresh)
	}},
	{"Update with an ExpiresAt that has passed", func(ctx context.Context, s session.Store, present, _ session.Record) error {
		present.ExpiresAt = in(-time.Hour)
		return s.Update(ctx, present)
	}},
	{"Touch", func(ctx context.Context, s session.Store, present, _ session.Record) error {
		return s.Touch(ctx, present.ID, present.ExpiresAt.Add(time.Hour))
	}},
	{"Touch of an absent record", func(ctx context.Context, s session.Store, _, fresh session.Record) error {
		return s.Touch(ctx, fresh.ID, fresh.ExpiresAt)
	}},
	{"Delete", func(ctx context.Context, s session.Store, present, _ session.Record) error {
		return s.Delete(ctx, present.ID)
	}},
	{"List", func(ctx context.Context, s session.Store, present, _ session.Record) error {
		_, err := s.List(ctx, present.Subject)
		return err
	}},
	{"DeleteAll", func(ctx context.Context, s session.Store, present, _ session.Record) error {
		_, err := s.DeleteAll(ctx, present.Subject)
		return err
	}},
	{"DeleteAll of a subject that nobody has", func(ctx context.Context, s session.Store, _, fresh session.Record) error {
		_, err := s.DeleteAll(ctx, fresh.Subject)
		return err
	}},
}

// changed returns the record that the Update of calls writes over r.
func changed(r session.Record) session.Record {
	r.Data = []byte("changed while the context ended")
	return r
}

func cancelledBefore(t *trial) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), in(-time.Second))
	defer cancel()
	for _, c := range calls {
		for kind, ctx := range map[string]context.Context{"cancelled": cancelled, "past its deadline": late} {
			present, fresh := t.create(t.record()), t.record()
			doing := c.name + " with a context that is " + kind
			t.fails(doing, c.do(ctx, t.store, present, fresh))
			t.holds("after "+doing, present)
			t.owns("after "+doing, present.Subject, present.ID)
			t.absent("after "+doing, fresh)
		}
	}
}

func cancelledMidway(t *trial) {
	const rounds = 12
	for _, c := range calls {
		for round := range rounds {
			present, fresh := t.create(t.record()), t.record()
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				// A little later each time, for fast stores and slow ones.
				for range round * round {
					runtime.Gosched()
				}
				if !t.config.fakeClock {
					time.Sleep(time.Duration(round) * 40 * time.Microsecond)
				}
				cancel()
			})
			err := c.do(ctx, t.store, present, fresh)
			wg.Wait()
			t.survives(c.name, err, present, fresh)
		}
	}
}

// survives checks that a call whose context may have ended has done all or
// nothing, and has given no false answer.
func (t *trial) survives(name string, err error, present, fresh session.Record) {
	t.Helper()
	doing := name + " whose context ended meanwhile"
	rightly := map[string]error{
		"Load of an absent record":    session.ErrNotFound,
		"Create over a live record":   session.ErrExists,
		"Update over another version": session.ErrConflict,
		"Update of an absent record":  session.ErrNotFound,
		"Touch of an absent record":   session.ErrNotFound,
	}[name]
	if answer := named(err); answer != nil && answer != rightly {
		t.Fatalf("%s: got %v, want no error or one that is none of the named ones", doing, err)
	}
	if err == nil && rightly != nil {
		t.Fatalf("%s: got no error, want %v or a failure", doing, rightly)
	}

	updated := changed(present)
	updated.Version++
	touched := present
	touched.ExpiresAt = touched.ExpiresAt.Add(time.Hour)
	after := map[string]session.Record{"Update": updated, "Touch": touched}[name]
	gone := name == "Delete" || name == "DeleteAll" || name == "Update with an ExpiresAt that has passed"
	writes := gone || !after.ID.IsZero()

	got, loadErr := t.store.Load(t.Context(), present.ID)
	switch {
	case loadErr != nil && named(loadErr) != session.ErrNotFound:
		t.Fatalf("Load after %s: %v", doing, loadErr)
	case loadErr != nil && !gone:
		t.Fatalf("after %s: the record is gone", doing)
	case loadErr != nil:
	case err == nil && gone:
		t.Fatalf("%s: got no error, but the record is still there", doing)
	case (err != nil || !writes) && difference(got, present) == "":
	case !after.ID.IsZero() && difference(got, after) == "":
	default:
		t.Fatalf("after %s, with error %v: the record is neither as it was nor as it was to be: got %+v", doing, err, got)
	}

	got, loadErr = t.store.Load(t.Context(), fresh.ID)
	switch {
	case named(loadErr) == session.ErrNotFound && (name != "Create" || err != nil):
	case loadErr != nil:
		t.Fatalf("Load after %s, with error %v: %v", doing, err, loadErr)
	case name != "Create":
		t.Fatalf("after %s: an absent record is there", doing)
	default:
		t.same("Load after "+doing, got, fresh)
	}
}

// down waits for a call that hangs, but no longer than a person would.
func down(t *trial) {
	const timeout, patience = 3 * time.Second, 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	calls := calls
	if _, ok := t.store.(session.Iterable); ok {
		calls = append(slices.Clone(calls), callAll)
	}
	if _, ok := t.store.(session.Watchable); ok {
		calls = append(slices.Clone(calls), callVersions)
	}
	// Make all calls at once, because each may be slow.
	results := make([]chan error, len(calls))
	for i, c := range calls {
		results[i] = make(chan error, 1)
		present, fresh := t.record(), t.record()
		go func() { results[i] <- c.do(ctx, t.store, present, fresh) }()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for i, c := range calls {
		select {
		case err := <-results[i]:
			t.fails(c.name, err)
		case <-timer.C:
			t.Errorf("%s: still hangs %v after its context ended", c.name, patience-timeout)
			if !t.config.fakeClock {
				return
			}
			<-results[i] // a bubble ends only when all goroutines in it have ended
			timer.Reset(0)
		}
	}
}
