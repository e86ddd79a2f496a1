package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// allPatience is how long a call waits for something that an All holds.
const allPatience = 2 * time.Minute

func allLetsOthersIn(t *trial) {
	own := map[session.ID]bool{}
	for _, r := range t.createMany(60) {
		own[r.ID] = true
	}
	err := t.goThrough(t.Context(), func(r session.Record) bool {
		if !own[r.ID] {
			return true
		}
		if len(own)%20 == 0 {
			t.lets("while All is under way")
		}
		delete(own, r.ID)
		if err := t.store.Delete(t.Context(), r.ID); err != nil {
			t.Fatalf("Delete of the record that All has just shown: %v", err)
		}
		return true
	})
	if err != nil || len(own) > 0 {
		t.Fatalf("All, each of whose records was deleted when it was shown: got error %v and %d records not shown, want all", err, len(own))
	}
}

// lets checks that each call is possible.
func (t *trial) lets(when string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), allPatience)
	defer cancel()
	for _, c := range append([]call{callAll}, calls...) {
		if err := c.do(ctx, t.store, t.create(t.record()), t.record()); err != nil && named(err) == nil {
			t.Fatalf("%s %s: %v", c.name, when, err)
		}
	}
}

func allEndsEarly(t *trial) {
	const often = 50 // more than a pool of connections holds
	records := t.createMany(20)
	ctx, cancel := context.WithTimeout(t.Context(), allPatience)
	defer cancel()
	for range often {
		if err := t.goThrough(ctx, func(session.Record) bool { return false }); err != nil {
			t.Fatalf("All, after others were left early: %v", err)
		}
	}
	t.lets("after many an All was left early")
	seen := t.all()
	for _, r := range records {
		t.same("All, after others were left early", seen[r.ID], r)
	}
}

func allCancelledBefore(t *trial) {
	t.createMany(20)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), in(-time.Second))
	defer cancel()
	for kind, ctx := range map[string]context.Context{"cancelled": cancelled, "past its deadline": late} {
		doing := "All with a context that is " + kind
		t.fails(doing, t.goThrough(ctx, func(session.Record) bool {
			t.Fatalf("%s: shows a record, want nothing but the failure", doing)
			return false
		}))
	}
}

func allCancelledMidway(t *trial) {
	const many = 1100
	records := t.createMany(many)
	for _, after := range []int{1, 2, 100, 700, many} {
		ctx, cancel := context.WithCancel(t.Context())
		seen := map[session.ID]bool{}
		err := t.goThrough(ctx, func(r session.Record) bool {
			if seen[r.ID] = true; len(seen) == after {
				cancel()
			}
			return true
		})
		cancel()
		if err != nil {
			t.fails("All whose context ended meanwhile", err)
			continue
		}
		for _, r := range records {
			if !seen[r.ID] {
				t.Fatalf("All whose context ended after %d records: ends without an error after %d, and has not shown all", after, len(seen))
			}
		}
	}
}

func engineShowsAll(t *trial) {
	const many, callers = 1100, 10
	m := t.manager(t.store, session.Options{Realm: strings.ToLower(rand.Text())})
	other := t.manager(t.store, session.Options{Realm: strings.ToLower(rand.Text())})
	errs := together(callers, func(caller int) (err error) {
		for i := caller; i < many && err == nil; i += callers {
			of := m
			if i%11 == 0 {
				of = other
			}
			_, err = of.Get(of.NewContext(t.Context(), session.Info[visits]{Subject: fmt.Sprint("subject ", i), Data: visits{N: i}}))
		}
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("logins: %v", err)
	}
	loggedOut := t.login(m, "subject 1")
	t.logout(m, loggedOut)
	seen := map[session.ID]bool{}
	for info, err := range m.All(t.Context()) {
		switch n := info.Data.N; {
		case errors.Is(err, session.ErrUndecodable):
			continue // not a session of this test: the store may hold others
		case err != nil:
			t.Fatalf("Manager.All: %v", err)
		case info.Subject != fmt.Sprint("subject ", n) || n%11 == 0 || info.ID == loggedOut.id:
			t.Fatalf("Manager.All: shows session %v of %q with data %+v, want what is in its realm", info.ID, info.Subject, info.Data)
		}
		seen[info.ID] = true
	}
	if want := many - many/11; len(seen) != want {
		t.Fatalf("Manager.All: shows %d sessions, want %d", len(seen), want)
	}
}
