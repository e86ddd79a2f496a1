package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	session "github.com/gostateful/session/core"
)

// concurrentUse calls everything at once on a few sessions. A version
// determines the content of its record, so a mixture of two versions is
// detected.
func concurrentUse(t *trial) {
	const callers, calls = 6, 120
	var ids [3]session.ID
	for i := range ids {
		ids[i] = session.NewID()
	}
	subjects := [2]string{t.subject(), t.subject()}
	made := func(id session.ID, version uint64) session.Record {
		return session.Record{
			ID: id, Version: version, Subject: subjects[version%2], ExpiresAt: in(time.Hour),
			Data: bytes.Repeat(fmt.Appendf(nil, "%v %d,", id, version), 1+int(version%5)),
		}
	}
	whole := func(r session.Record) error {
		want := made(r.ID, r.Version)
		want.ExpiresAt = r.ExpiresAt // moved by Touch
		if diff := difference(r, want); diff != "" {
			return fmt.Errorf("a record of version %d is not the one that was written: %s", r.Version, diff)
		}
		if time.Until(r.ExpiresAt) < time.Minute {
			return fmt.Errorf("a record has ExpiresAt %v, which nobody wrote", r.ExpiresAt)
		}
		return nil
	}
	errs := together(callers, func(caller int) error {
		random := rand.New(rand.NewPCG(uint64(caller), 0))
		for range calls {
			err := concurrentCall(t.Context(), t.store, random, ids[random.IntN(len(ids))], subjects[random.IntN(2)], made, whole)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("all methods at once: %v", err)
	}
	for _, id := range ids {
		r, err := t.store.Load(t.Context(), id)
		if err == nil {
			t.holds("when all is quiet", r)
			err = whole(r)
		}
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("when all is quiet: %v", err)
		}
	}
}

// concurrentMethods has each method as often as its share of the calls. Methods
// that leave the others little to work on are rare.
var concurrentMethods = []string{
	"Load", "Load", "Load", "Load", "Create", "Create", "Update", "Update", "Update", "Update", "Update", "Update",
	"Touch", "Touch", "List", "List", "Delete", "DeleteAll",
}

// concurrentCall calls a method, and returns an error if the method broke its
// contract.
func concurrentCall(
	ctx context.Context, s session.Store, random *rand.Rand, id session.ID, subject string,
	made func(session.ID, uint64) session.Record, whole func(session.Record) error,
) error {
	method := concurrentMethods[random.IntN(len(concurrentMethods))]
	var err error
	var allowed []error
	switch method {
	case "Load":
		var r session.Record
		if r, err = s.Load(ctx, id); err == nil {
			err = whole(r)
		}
		allowed = []error{session.ErrNotFound}
	case "Create":
		err = s.Create(ctx, made(id, 1))
		allowed = []error{session.ErrExists}
	case "Update":
		var r session.Record
		if r, err = s.Load(ctx, id); err == nil {
			next := made(id, r.Version+1)
			next.Version = r.Version
			err = s.Update(ctx, next)
		}
		allowed = []error{session.ErrNotFound, session.ErrConflict}
	case "Touch":
		err = s.Touch(ctx, id, in(time.Hour+time.Duration(random.Int64N(int64(time.Hour)))))
		allowed = []error{session.ErrNotFound}
	case "List":
		var records []session.Record
		records, err = s.List(ctx, subject)
		for i, r := range records {
			if r.Subject != subject {
				return fmt.Errorf("List(%q): shows a record of %q", subject, r.Subject)
			}
			if i > 0 && newestFirst(records[i-1].ID, r.ID) >= 0 {
				return fmt.Errorf("List(%q): %v stands before %v", subject, records[i-1].ID, r.ID)
			}
			if err := whole(r); err != nil {
				return fmt.Errorf("List(%q): %w", subject, err)
			}
		}
	case "Delete":
		err = s.Delete(ctx, id)
	case "DeleteAll":
		_, err = s.DeleteAll(ctx, subject, id)
	}
	if err != nil && !slices.Contains(allowed, named(err)) {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}
