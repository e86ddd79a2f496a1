package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/gostateful/session/core"
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

// deleteWins lets writers work on a record while it is being deleted. Whatever
// the order, once Delete has returned and the writers have too, it is gone.
func deleteWins(t *trial) {
	for range 10 {
		r := t.create(t.record())
		errs := together(5, func(i int) error {
			switch i {
			case 0:
				return t.store.Delete(t.Context(), r.ID)
			case 1, 2:
				return untilNotFound(func(n int) error {
					return t.store.Touch(t.Context(), r.ID, r.ExpiresAt.Add(time.Duration(n)*time.Second))
				})
			default:
				return untilNotFound(func(n int) error {
					return attempt(t.Context(), t.store, r.ID, func(r *session.Record) {
						r.Data = fmt.Appendf(nil, "change %d of writer %d", n, i)
					})
				})
			}
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("writing while the record is deleted: %v", err)
		}
		t.absent("after Delete and the writes at the same time", r)
	}
}

// untilNotFound repeats a write until it returns ErrNotFound, which it has to
// soon, because somebody deletes the record.
func untilNotFound(write func(n int) error) error {
	const patience = 10_000
	for n := range patience {
		switch err := write(n); {
		case errors.Is(err, session.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
	}
	return fmt.Errorf("%d writes succeeded, want ErrNotFound since the record was deleted", patience)
}
