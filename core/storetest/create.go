package storetest

import (
	"fmt"
	"math"
	"time"

	session "github.com/gostateful/session/core"
)

func createThenLoad(t *trial) {
	r := t.create(t.record())
	t.holds("after Create", r)

	east := t.record()
	east.ExpiresAt = in(90*time.Minute + 7*time.Millisecond).In(time.FixedZone("east", 9*60*60))
	t.create(east)
	t.holds("after Create with a time of another zone", east)

	anonymous := t.record()
	anonymous.Subject = ""
	t.create(anonymous)
	t.holds("after Create without a subject", anonymous)

	fine := t.record()
	fine.ExpiresAt = fine.ExpiresAt.Add(123456 * time.Nanosecond)
	t.create(fine)
	got, err := t.store.Load(t.Context(), fine.ID)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if off := got.ExpiresAt.Sub(fine.ExpiresAt).Abs(); off >= time.Millisecond {
		t.Fatalf("Create with a time that is finer than a millisecond: Load is off by %v, want less than a millisecond", off)
	}
	t.holds("after other records were created", r)
}

func createKeepsVersion(t *trial) {
	// A version counts the updates of one session, so it never outgrows a signed
	// integer. Floating point would lose digits.
	for _, version := range []uint64{0, 1, 7, 1<<32 + 1, 1<<53 + 1, math.MaxInt64} {
		r := t.record()
		r.Version = version
		t.create(r)
		t.holds("after Create", r)
	}
	r := t.record()
	r.Version = 1<<53 + 1
	t.create(r)
	r = t.update(r)
	t.holds("after Update", r)
}

func createOverLiveFails(t *trial) {
	r := t.create(t.record())
	other := t.record()
	other.ID = r.ID
	other.Version = 9
	other.Data = []byte("other data")
	t.answers("Create over a live record", t.store.Create(t.Context(), other), session.ErrExists)
	t.answers("Create of the very same record", t.store.Create(t.Context(), r), session.ErrExists)
	t.holds("after Create failed", r)
	t.owns("after Create failed", r.Subject, r.ID)
	t.owns("after Create failed", other.Subject)

	other.ExpiresAt = in(-time.Hour)
	_ = t.store.Create(t.Context(), other) // refused or forgotten
	t.holds("after Create with an ExpiresAt that has passed", r)
}

func createIsAtomic(t *trial) {
	for range 10 {
		racers := make([]session.Record, 8)
		for i := range racers {
			racers[i] = t.record()
			racers[i].ID = racers[0].ID
			racers[i].Data = fmt.Appendf(nil, "of racer %d", i)
		}
		errs := together(len(racers), func(i int) error {
			return t.store.Create(t.Context(), racers[i])
		})
		winner := t.oneWins("Create", errs, session.ErrExists)
		t.holds("after racing Creates", racers[winner])
		for i := range racers {
			if i != winner {
				t.owns("after racing Creates, of a loser", racers[i].Subject)
			}
		}
	}
}

func createOverExpired(t *trial) {
	old := t.expired()
	r := t.record()
	r.ID = old.ID
	r.Data = []byte("new data")
	if err := t.store.Create(t.Context(), r); err != nil {
		t.Fatalf("Create over an expired record: %v", err)
	}
	t.holds("after Create over an expired record", r)
	t.owns("after Create over an expired record", r.Subject, r.ID)
	t.owns("after Create over an expired record, of the old subject", old.Subject)

	// Several may find the same record expired.
	old = t.expired()
	errs := together(8, func(int) error {
		r := old
		r.ExpiresAt = in(time.Hour)
		return t.store.Create(t.Context(), r)
	})
	t.oneWins("Create over an expired record", errs, session.ErrExists)
}

func zeroIDIsInvalid(t *trial) {
	r := t.record()
	r.ID = session.ID{}
	ctx := t.Context()
	if err := t.store.Create(ctx, r); err == nil {
		t.Fatal("Create of the zero ID: got no error, want it refused")
	}
	if _, err := t.store.Load(ctx, r.ID); err == nil {
		t.Fatal("Load of the zero ID: got a record, want an error")
	}
	if err := t.store.Update(ctx, r); err == nil {
		t.Fatal("Update of the zero ID: got no error, want one")
	}
	if err := t.store.Touch(ctx, r.ID, in(time.Hour)); err == nil {
		t.Fatal("Touch of the zero ID: got no error, want one")
	}
	t.owns("after Create of the zero ID", r.Subject)
}

func idsAreExact(t *trial) {
	// These IDs differ, but would be equal as text of some collation, or as numbers.
	base := session.NewID()
	var records []session.Record
	for _, last := range []byte{0x00, 0x01, 0x20, 'a', 'A', '%', '_', 0x7f, 0x80, 0xff} {
		for _, first := range []byte{0x00, 0x01, ' ', 'a', 'A', 0xff} {
			r := t.record()
			r.ID = base
			r.ID[0], r.ID[15] = first, last
			r.Data = fmt.Appendf(nil, "of %x and %x", first, last)
			records = append(records, r)
		}
	}
	for _, r := range records {
		t.create(r)
	}
	for _, r := range records {
		t.holds("among similar IDs", r)
		t.owns("among similar IDs", r.Subject, r.ID)
	}
	for i, r := range records {
		t.delete(r.ID)
		t.absent("after Delete", r)
		if i+1 < len(records) {
			t.holds("after Delete of a similar ID", records[i+1])
		}
	}
}

func loadOfAbsent(t *trial) {
	t.create(t.record())
	_, err := t.store.Load(t.Context(), session.NewID())
	t.answers("Load of an ID that was never created", err, session.ErrNotFound)
}
