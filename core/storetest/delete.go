package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

func deleteRemoves(t *trial) {
	r, other := t.record(), t.record()
	other.Subject = r.Subject
	t.create(r)
	t.create(other)
	t.delete(r.ID)
	t.absent("after Delete", r)
	t.holds("after Delete of another record", other)
	t.owns("after Delete", r.Subject, other.ID)
}

func deleteOfAbsent(t *trial) {
	other := t.create(t.record())
	t.delete(session.NewID())
	r := t.create(t.record())
	t.delete(r.ID)
	t.delete(r.ID)
	t.absent("after Delete of a deleted record", r)
	expired := t.expired()
	t.delete(expired.ID)
	t.absent("after Delete of an expired record", expired)
	t.holds("after Delete of absent records", other)
}

func deletedIDIsFree(t *trial) {
	old := t.create(t.record())
	for range 3 {
		t.delete(old.ID)
		r := t.record()
		r.ID, r.Version, r.Data = old.ID, 8, []byte("new data")
		t.create(r)
		t.holds("after Delete and Create", r)
		t.owns("after Delete and Create", r.Subject, r.ID)
		t.owns("after Delete and Create, of the subject before", old.Subject)
		r = t.update(r)
		t.holds("after Delete, Create and Update", r)
		old = r
	}
}

// deleteWins deletes a record while writers work on it. In any order, a write
// that starts after Delete has returned finds nothing.
func deleteWins(t *trial) {
	for range 10 {
		r := t.create(t.record())
		writers := []func(n int) error{
			func(n int) error {
				return t.store.Touch(t.Context(), r.ID, r.ExpiresAt.Add(time.Duration(n)*time.Millisecond))
			},
			func(n int) error {
				return attempt(t.Context(), t.store, r.ID, func(r *session.Record) { r.Data = fmt.Append(nil, "one ", n) })
			},
			func(n int) error {
				return attempt(t.Context(), t.store, r.ID, func(r *session.Record) { r.Data = fmt.Append(nil, "two ", n) })
			},
		}
		at := newRace(len(writers))
		errs := together(1+len(writers), func(i int) error {
			if i == len(writers) {
				at.begun.Wait()
				defer close(at.over)
				return t.store.Delete(t.Context(), r.ID)
			}
			begun := sync.OnceFunc(at.begun.Done)
			defer begun()
			for n := 0; ; n++ {
				over := at.isOver()
				switch err := writers[i](n); {
				case errors.Is(err, session.ErrNotFound):
					return nil
				case err != nil:
					return err
				case over:
					return errors.New("a write that began when Delete had returned got no error, want ErrNotFound")
				}
				begun()
			}
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("writing while the record is deleted: %v", err)
		}
		t.absent("after Delete and the writes at the same time", r)
	}
}

// A race makes one call begin while others are at work. The others can ask
// whether it is over.
type race struct {
	begun sync.WaitGroup
	over  chan struct{}
}

func newRace(workers int) *race {
	r := &race{over: make(chan struct{})}
	r.begun.Add(workers)
	return r
}

func (r *race) isOver() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}
