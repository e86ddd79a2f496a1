package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

// A trial is one law's test of one store.
type trial struct {
	*testing.T
	config *config
	store  session.Store
}

// record returns a record that nobody else has, with an hour to live.
func (t *trial) record() session.Record {
	return session.Record{
		ID: session.NewID(), Version: 1, Subject: t.subject(),
		ExpiresAt: in(time.Hour), Data: []byte("the data"),
	}
}

// subject returns a subject that nobody else has.
func (t *trial) subject() string { return "storetest-" + strings.ToLower(rand.Text()) }

// in returns the time after d from now, to the millisecond.
func in(d time.Duration) time.Time { return time.Now().Add(d).Truncate(time.Millisecond) }

// create stores a record. The law is about something else.
func (t *trial) create(r session.Record) session.Record {
	t.Helper()
	if err := t.store.Create(t.Context(), r); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return r
}

// update stores a change and returns the new record.
func (t *trial) update(r session.Record) session.Record {
	t.Helper()
	if err := t.store.Update(t.Context(), r); err != nil {
		t.Fatalf("Update over the version that is stored: %v", err)
	}
	r.Version++
	return r
}

func (t *trial) delete(id session.ID) {
	t.Helper()
	if err := t.store.Delete(t.Context(), id); err != nil {
		t.Fatalf("Delete: %v", err)
	}
}

func (t *trial) deleteAll(subject string, except ...session.ID) int {
	t.Helper()
	n, err := t.store.DeleteAll(t.Context(), subject, except...)
	if err != nil {
		t.Fatalf("DeleteAll(%q): %v", subject, err)
	}
	return n
}

// holds checks that Load returns this record.
func (t *trial) holds(when string, want session.Record) {
	t.Helper()
	got, err := t.store.Load(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("%s: Load: got error %v, want the record", when, err)
	}
	t.same(when+": Load", got, want)
}

// same compares two records. Nil data equals empty data.
func (t *trial) same(where string, got, want session.Record) {
	t.Helper()
	if diff := difference(got, want); diff != "" {
		t.Fatalf("%s: %s", where, diff)
	}
}

// difference is empty when the records are equal.
func difference(got, want session.Record) string {
	switch {
	case got.ID != want.ID:
		return fmt.Sprintf("got ID %v, want %v", got.ID, want.ID)
	case got.Version != want.Version:
		return fmt.Sprintf("got version %d, want %d", got.Version, want.Version)
	case got.Subject != want.Subject:
		return fmt.Sprintf("got subject %q, want %q", got.Subject, want.Subject)
	case !got.ExpiresAt.Equal(want.ExpiresAt):
		return fmt.Sprintf("got ExpiresAt %v, want %v", got.ExpiresAt, want.ExpiresAt)
	case !bytes.Equal(got.Data, want.Data):
		return fmt.Sprintf("got data %s, want %s", excerpt(got.Data), excerpt(want.Data))
	}
	return ""
}

func excerpt(b []byte) string {
	if len(b) > 48 {
		return fmt.Sprintf("%q... (%d bytes)", b[:48], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// absent checks that neither Load nor List finds a record.
func (t *trial) absent(when string, r session.Record) {
	t.Helper()
	_, err := t.store.Load(t.Context(), r.ID)
	t.answers(when+": Load", err, session.ErrNotFound)
	for _, listed := range t.list(r.Subject) {
		if listed.ID == r.ID {
			t.Fatalf("%s: List(%q) shows the record, want it absent", when, r.Subject)
		}
	}
}

func (t *trial) list(subject string) []session.Record {
	t.Helper()
	records, err := t.store.List(t.Context(), subject)
	if err != nil {
		t.Fatalf("List(%q): %v", subject, err)
	}
	return records
}

// owns checks that List shows the records with these IDs and no others.
func (t *trial) owns(when, subject string, want ...session.ID) {
	t.Helper()
	var got []session.ID
	for _, r := range t.list(subject) {
		got = append(got, r.ID)
	}
	want = slices.Clone(want)
	slices.SortFunc(want, newestFirst)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: List(%q): got the sessions %v, want %v", when, subject, got, want)
	}
}

func newestFirst(a, b session.ID) int { return bytes.Compare(b[:], a[:]) }

// answers checks for one of the errors that the contract names.
func (t *trial) answers(doing string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: got error %v, want %v", doing, got, want)
	}
}

// fails checks for an error that is none of the named ones.
func (t *trial) fails(doing string, err error) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: got no error, want a failure", doing)
	}
	if named(err) != nil {
		t.Fatalf("%s: got %v, which is an answer; want an error that is none of the named ones", doing, err)
	}
}

// named returns the named error that err is or wraps, or nil.
func named(err error) error {
	for _, answer := range []error{session.ErrNotFound, session.ErrExists, session.ErrConflict} {
		if errors.Is(err, answer) {
			return answer
		}
	}
	return nil
}

// together runs n calls at once and returns their errors.
func together(n int, call func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWins checks that exactly one of several calls succeeds, and that the
// others get the named error. It returns the index of the winner.
func (t *trial) oneWins(doing string, errs []error, others error) (winner int) {
	t.Helper()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winner = i
			winners++
			continue
		}
		t.answers(doing+" that lost the race", err, others)
	}
	if winners != 1 {
		t.Fatalf("%d concurrent calls of %s: got %d successes, want exactly 1", len(errs), doing, winners)
	}
	return winner
}

// attempt changes a record by compare-and-swap until that succeeds.
func attempt(ctx context.Context, s session.Store, id session.ID, change func(r *session.Record)) error {
	for {
		r, err := s.Load(ctx, id)
		if err != nil {
			return err
		}
		change(&r)
		if err := s.Update(ctx, r); !errors.Is(err, session.ErrConflict) {
			return err
		}
	}
}
