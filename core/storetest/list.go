package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

func listIsComplete(t *trial) {
	subject := t.subject()
	var want []session.Record
	for i := range 3 {
		r := t.record()
		r.Subject, r.Version, r.Data = subject, uint64(i), fmt.Appendf(nil, "data %d", i)
		r.ExpiresAt = in(time.Duration(i+1) * time.Hour)
		t.create(r)
		r.Data = fmt.Appendf(nil, "data %d changed", i)
		want = append(want, t.update(r))
	}
	want[1].ExpiresAt = want[1].ExpiresAt.Add(time.Minute)
	if err := t.store.Touch(t.Context(), want[1].ID, want[1].ExpiresAt); err != nil {
		t.Fatalf("Touch: %v", err)
	}
	slices.SortFunc(want, func(a, b session.Record) int { return newestFirst(a.ID, b.ID) })
	got := t.list(subject)
	if len(got) != len(want) {
		t.Fatalf("List: got %d records, want %d", len(got), len(want))
	}
	for i := range want {
		t.same("List", got[i], want[i])
	}
}

func listIsNewestFirst(t *trial) {
	subject := t.subject()
	var ids []session.ID
	// The IDs of an application's NewID may have any value, in any order.
	for _, first := range []byte{0x7f, 0x00, 0xff, 0x80, 0x01, 0xfe, 0x20, 'a', 'A'} {
		r := t.record()
		r.Subject, r.ID[0] = subject, first
		t.create(r)
		ids = append(ids, r.ID)
	}
	t.owns("after Create in no order", subject, ids...)
	for _, id := range ids[:4] {
		err := attempt(t.Context(), t.store, id, func(r *session.Record) { r.Data = []byte("changed") })
		if err != nil {
			t.Fatalf("Update: %v", err)
		}
	}
	t.owns("after some were updated", subject, ids...)
}

func listShowsLiveOnly(t *trial) {
	subject := t.subject()
	t.owns("of a subject that nobody has", subject)
	live, deleted := t.record(), t.record()
	live.Subject, deleted.Subject = subject, subject
	t.create(live)
	t.create(deleted)
	ending := t.soon(func(r session.Record) error {
		r.Subject = subject
		return t.store.Update(t.Context(), r)
	})
	t.delete(deleted.ID)
	t.pass(ending.ExpiresAt)
	t.owns("after one was deleted and one expired", subject, live.ID)
	t.owns("after it lost its only session", ending.Subject)
}

func listFollowsSubject(t *trial) {
	alice, bob := t.subject(), t.subject()
	r := t.record()
	r.Subject = ""
	t.create(r)
	for _, subject := range []string{alice, bob, alice, "", bob, bob, ""} {
		r.Subject = subject
		r = t.update(r)
		t.holds("after Update to another subject", r)
		for _, other := range []string{alice, bob} {
			if other == subject {
				t.owns("after Update to this subject", other, r.ID)
			} else {
				t.owns("after Update to another subject", other)
			}
		}
		t.owns("after Update", "")
	}
}

// exactSubjects differ only in their bytes: each is beside one that some
// collation, pattern, escape or normal form makes equal.
func exactSubjects(base string) []string {
	subjects := []string{
		base, strings.ToUpper(base), base + " ", base + "  ", " " + base, base + "\t", base + "\n", base + "\u00a0",
		base + "a", base + "A", base + "á", base + "a\u0301", base + "ß", base + "ss", base + "İ", base + "i", base + "ı",
		base + "a\u200d", base + "\U0001f600", base + "\U0001f601", base + "１", base + "1", base + "01", base + "1.0",
		base + "%", base + "_", base + "*", base + "?", base + "[a]", base + "{a}", "{" + base + "}", base + ":", base + ":a",
		base + "'", base + "''", base + `"`, base + "`", base + `\`, base + `\\`, base + `\'`, base + "/", base + "$1", base + "--", base + ";",
		base + "\x01", base + "\x1f", base + "\x1fa", base + "\x7f", base + "null",
	}
	long := base + strings.Repeat("x", 254-len(base))
	wide := base + strings.Repeat("\U0001f600", (254-len(base))/4)
	wide += strings.Repeat("x", 254-len(wide))
	return append(subjects, long, long+"x", long+"y", long+"X", long+" ", wide+"x", wide+"y")
}

func subjectsAreExact(t *trial) {
	subjects := exactSubjects(t.subject())
	records := make([]session.Record, len(subjects))
	for i, subject := range subjects {
		records[i] = t.record()
		records[i].Subject = subject
		t.create(records[i])
	}
	for i, subject := range subjects {
		t.holds("among similar subjects", records[i])
		t.owns("among similar subjects", subject, records[i].ID)
	}
	for i, subject := range subjects {
		if n := t.deleteAll(subject); n != 1 {
			t.Fatalf("among similar subjects: DeleteAll(%q): got %d removed, want 1", subject, n)
		}
		t.absent("after DeleteAll", records[i])
	}
}

func emptySubjectOwnsNothing(t *trial) {
	r, owned := t.record(), t.record()
	r.Subject = ""
	t.create(r)
	t.create(owned)
	before := owned.Subject
	owned.Subject = ""
	owned = t.update(owned)
	t.owns("with sessions without a subject", "")
	t.owns("after the subject was emptied", before)
	if n := t.deleteAll(""); n != 0 {
		t.Fatalf(`DeleteAll(""): got %d removed, want 0`, n)
	}
	t.holds(`after DeleteAll("")`, r)
	t.holds(`after DeleteAll("")`, owned)
	if n := t.deleteAll("", r.ID); n != 0 {
		t.Fatalf(`DeleteAll("") with an exception: got %d removed, want 0`, n)
	}
	t.holds(`after DeleteAll("") with an exception`, owned)
}

func manySessions(t *trial) {
	const subjects, each, callers = 20, 15, 10
	records := make([]session.Record, subjects*each)
	names := make([]string, subjects)
	for i := range names {
		names[i] = t.subject()
	}
	for i := range records {
		records[i] = t.record()
		records[i].Subject = names[i%subjects]
		records[i].Data = fmt.Appendf(nil, "of session %d", i)
	}
	errs := together(callers, func(caller int) error {
		for i := caller; i < len(records); i += callers {
			if err := t.store.Create(t.Context(), records[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Create: %v", err)
	}
	of := func(subject string) (ids []session.ID) {
		for _, r := range records {
			if r.Subject == subject {
				ids = append(ids, r.ID)
			}
		}
		return ids
	}
	for _, subject := range names {
		t.owns("among many", subject, of(subject)...)
	}
	for i := 0; i < len(records); i += 7 {
		t.holds("among many", records[i])
	}
	for i, subject := range names[:subjects/2] {
		if n := t.deleteAll(subject); n != each {
			t.Fatalf("among many: DeleteAll: got %d removed, want %d", n, each)
		}
		t.owns("after DeleteAll", subject)
		t.absent("after DeleteAll among many", records[i])
	}
	for _, subject := range names[subjects/2:] {
		t.owns("after DeleteAll of others", subject, of(subject)...)
	}
}
