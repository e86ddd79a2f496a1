package storetest

import (
	"fmt"
	"time"

	session "github.com/gostateful/session/core"
)

// With a fake clock the laws wait exactly. With a real clock the store may take
// the time from another machine, over a network. Then the laws leave a margin
// on both sides. If the machine was too slow for a result, they begin anew with
// more time.
const (
	realLead  = 150 * time.Millisecond // how far ahead an expiry is, if the law waits for it
	realSlack = 20 * time.Millisecond  // by how much the store's clock may differ
)

func (t *trial) slack() time.Duration {
	if t.config.fakeClock {
		return 0
	}
	return realSlack
}

// soon creates a record that expires soon. If act is not nil, it calls act
// while the record is certainly live. An error of act fails the test.
func (t *trial) soon(act func(r session.Record) error) (r session.Record) {
	t.Helper()
	t.within(func(lead time.Duration) (time.Time, error) {
		r = t.record()
		r.ExpiresAt = in(lead)
		err := t.store.Create(t.Context(), r)
		if err == nil && act != nil {
			err = act(r)
		}
		return r.ExpiresAt, err
	})
	return r
}

// within calls act, which returns an end. If act was done before that end,
// within returns. Otherwise it begins anew with more lead. An error of act
// fails the test.
func (t *trial) within(act func(lead time.Duration) (end time.Time, err error)) {
	t.Helper()
	for lead := realLead; lead < time.Minute; lead *= 2 {
		end, err := act(lead)
		switch {
		case !time.Now().Before(end.Add(-t.slack())):
			continue // too late for a result
		case err != nil:
			t.Fatalf("before the expiry: %v", err)
		}
		return
	}
	t.Fatal("the store takes too long for laws about expiry to be tested")
}

// expired creates a record and waits until it has expired.
func (t *trial) expired() session.Record {
	t.Helper()
	r := t.soon(nil)
	t.pass(r.ExpiresAt)
	return r
}

// pass waits until every clock has passed a moment.
func (t *trial) pass(moment time.Time) { time.Sleep(time.Until(moment.Add(t.slack()))) }

func expiresToTheMillisecond(t *trial) {
	r := t.soon(func(r session.Record) error {
		before := time.Millisecond
		if !t.config.fakeClock {
			before = time.Until(r.ExpiresAt) / 3
		}
		time.Sleep(time.Until(r.ExpiresAt.Add(-before)))
		got, err := t.store.Load(t.Context(), r.ID)
		if err != nil {
			return fmt.Errorf("Load %v before it: got error %w, want the record", before, err)
		}
		if diff := difference(got, r); diff != "" {
			return fmt.Errorf("Load %v before it: %s", before, diff)
		}
		records, err := t.store.List(t.Context(), r.Subject)
		if err != nil || len(records) != 1 {
			return fmt.Errorf("List %v before it: got %d records and error %v, want the record", before, len(records), err)
		}
		return nil
	})
	t.pass(r.ExpiresAt)
	t.absent("at ExpiresAt", r)
	if n := t.deleteAll(r.Subject); n != 0 {
		t.Fatalf("at ExpiresAt: DeleteAll removed %d records, want 0", n)
	}
	time.Sleep(time.Millisecond)
	t.absent("after ExpiresAt", r)
}

func pastExpiryIsNotForever(t *trial) {
	for _, past := range []struct {
		name string
		at   time.Time
	}{
		{"zero", time.Time{}},
		{"Unix time 0", time.Unix(0, 0)},
		{"before 1970", time.Date(1969, 7, 20, 20, 17, 0, 0, time.UTC)},
		{"the year 1", time.Time{}.Add(time.Millisecond)},
		{"an hour ago", in(-time.Hour)},
		{"a millisecond ago", in(-time.Millisecond - t.slack())},
		{"now", in(-t.slack())},
	} {
		r := t.record()
		r.ExpiresAt = past.at
		// The store may refuse it, or forget it at once.
		err := t.store.Create(t.Context(), r)
		if answer := named(err); answer != nil {
			t.Fatalf("Create with ExpiresAt %s: got %v, want no error or one that is none of the named ones", past.name, err)
		}
		t.absent("after Create with ExpiresAt "+past.name, r)
		t.answers("Touch of it", t.store.Touch(t.Context(), r.ID, in(time.Hour)), session.ErrNotFound)
		r.ExpiresAt = in(time.Hour)
		t.answers("Update of it", t.store.Update(t.Context(), r), session.ErrNotFound)
		t.create(r)
		t.holds("after Create with ExpiresAt "+past.name+" and another in an hour", r)
	}
}

func farExpiry(t *trial) {
	r := t.record()
	r.ExpiresAt = in(100 * 365 * 24 * time.Hour) // more than 32 bits of seconds
	t.create(r)
	t.holds("100 years before ExpiresAt", r)
	r.ExpiresAt = r.ExpiresAt.Add(24 * time.Hour)
	if err := t.store.Touch(t.Context(), r.ID, r.ExpiresAt); err != nil {
		t.Fatalf("Touch: %v", err)
	}
	t.holds("after Touch to more than 100 years ahead", r)
	r.ExpiresAt = r.ExpiresAt.Add(24 * time.Hour)
	r = t.update(r)
	t.holds("after Update to more than 100 years ahead", r)
	t.owns("with an ExpiresAt more than 100 years ahead", r.Subject, r.ID)
}
