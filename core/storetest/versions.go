package storetest

import (
	"context"
	"errors"
	"time"

	session "github.com/gostateful/session/core"
)

// callVersions is a call of Versions. It is not in calls, because not every
// store has it.
var callVersions = call{"Versions", func(ctx context.Context, s session.Store, present, _ session.Record) error {
	_, err := s.(session.Watchable).Versions(ctx, []session.ID{present.ID})
	return err
}}

// versions checks that Versions returns the versions of these records, and of
// no others.
func (t *trial) versions(when string, ids []session.ID, want ...session.Record) {
	t.Helper()
	got, err := t.store.(session.Watchable).Versions(t.Context(), ids)
	if err != nil {
		t.Fatalf("%s: Versions of %d IDs: %v", when, len(ids), err)
	}
	for _, r := range want {
		if version, ok := got[r.ID]; !ok || version != r.Version {
			t.Fatalf("%s: Versions shows session %v with version %d (there: %t), want %d", when, r.ID, version, ok, r.Version)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: Versions shows %d sessions, want %d", when, len(got), len(want))
	}
}

func versionsAreExact(t *trial) {
	old, fresh, other := t.record(), t.record(), t.record()
	old.Version, fresh.Subject = 1<<40, ""
	t.create(old)
	t.create(fresh)
	t.create(other)
	t.versions("after Create", []session.ID{fresh.ID, old.ID}, old, fresh)
	t.versions("of one", []session.ID{old.ID}, old)
}

func versionsShowLiveOnly(t *trial) {
	live, deleted := t.create(t.record()), t.create(t.record())
	t.delete(deleted.ID)
	expired, removed := t.expired(), t.create(t.record())
	removed.ExpiresAt = in(-time.Hour)
	t.update(removed)
	ids := []session.ID{deleted.ID, expired.ID, removed.ID, session.NewID(), {}, live.ID}
	t.versions("beside those that are absent", ids, live)
}

func versionsOfMany(t *trial) {
	const many = 1000
	records := t.createMany(many)
	t.versions("of none", nil)
	for _, n := range []int{2, 3, 511, 512, 513, many} {
		ids := make([]session.ID, n)
		for i := range ids {
			ids[i] = records[i].ID
		}
		t.versions("of many", ids, records[:n]...)
		ids[n-1] = ids[0]
		t.versions("of an ID that comes twice", ids, records[:n-1]...)
	}
}

func versionsFollow(t *trial) {
	r, still := t.create(t.record()), t.create(t.record())
	for range 3 {
		r.Data = []byte(r.Subject)
		r = t.update(r)
		t.versions("after Update", []session.ID{r.ID, still.ID}, r, still)
	}
	if err := t.store.Touch(t.Context(), r.ID, in(2*time.Hour)); err != nil {
		t.Fatalf("Touch: %v", err)
	}
	t.versions("after Touch", []session.ID{r.ID, still.ID}, r, still)
}

func versionsCancelled(t *trial) {
	r := t.create(t.record())
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), in(-time.Second))
	defer cancel()
	for kind, ctx := range map[string]context.Context{"cancelled": cancelled, "past its deadline": late} {
		t.fails("Versions with a context that is "+kind, callVersions.do(ctx, t.store, r, r))
	}
}

// engineTellsWatchers watches a session by one manager, and does the rest by
// another, as another process would.
func engineTellsWatchers(t *trial) {
	m, other := t.manager(t.store, session.Options{}), t.manager(t.store, session.Options{})
	seen, stays := t.login(m, t.subject()), t.login(m, t.subject())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shown, ended := make(chan int, 100), make(chan error, 1)
	first := t.found(m, seen)
	go func() {
		for info, err := range m.Changes(ctx, first, 0) {
			if err != nil {
				ended <- err
				return
			}
			shown <- info.Data.N
		}
	}()
	staying, stop := m.Watch(ctx, t.found(m, stays))
	defer stop()
	if got := await(t, shown); got != 1 {
		t.Fatalf("the watcher was shown %d first, want the present 1", got)
	}
	if err := other.Update(ctx, seen.id, func(v *visits) error { v.N++; return nil }); err != nil {
		t.Fatalf("Manager.Update: %v", err)
	}
	if got := await(t, shown); got != 2 {
		t.Fatalf("the watcher was shown %d after a change, want 2", got)
	}
	if _, err := other.RevokeAll(ctx, seen.subject); err != nil {
		t.Fatalf("Manager.RevokeAll: %v", err)
	}
	if err := await(t, ended); !errors.Is(err, session.ErrNotFound) {
		t.Fatalf("the watcher was told %v, want ErrNotFound", err)
	}
	if staying.Err() != nil {
		t.Fatalf("the watcher of another session was told %v", context.Cause(staying))
	}
}

// found returns what a manager shows of a browser's session.
func (t *trial) found(m *session.Manager[visits], b browser) session.Info[visits] {
	t.Helper()
	info, err := m.Find(t.Context(), b.id)
	if err != nil {
		t.Fatalf("Manager.Find: %v", err)
	}
	return info
}

// await returns what a watcher is told, or fails if it takes too long.
func await[V any](t *trial, from chan V) (v V) {
	t.Helper()
	const patience = time.Minute
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v = <-from:
	case <-timer.C:
		t.Fatalf("a watcher has been told nothing for %v", patience)
	}
	return v
}
