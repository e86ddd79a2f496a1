package sql_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestFrozen stops a server that then still takes connections and commands, and
// executes them when it goes on.
func TestFrozen(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			server := b.serve(t, b.hasty...)
			t.Run("calls", func(t *testing.T) { b.freezeCalls(t, server) })
			t.Run("requests", func(t *testing.T) { b.site(t, b.connect(t, server)).Freeze(server.SignalAll) })
		})
	}
}

// A call is a call of a store that somebody is in the way of, or nobody answers.
type call struct {
	name  string
	reads bool
	do    func(ctx context.Context, s *sessionsql.Store, r session.Record) error
}

var calls = []call{
	{"Load", true, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		_, err := s.Load(ctx, r.ID)
		return err
	}},
	{"Create", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		r.ID = session.NewID()
		return s.Create(ctx, r)
	}},
	{"Update", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		return s.Update(ctx, r)
	}},
	{"Touch", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		return s.Touch(ctx, r.ID, r.ExpiresAt.Add(time.Minute))
	}},
	{"List", true, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		_, err := s.List(ctx, r.Subject)
		return err
	}},
	{"Delete", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		return s.Delete(ctx, r.ID)
	}},
	{"DeleteAll", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		_, err := s.DeleteAll(ctx, r.Subject)
		return err
	}},
	{"Sweep", false, func(ctx context.Context, s *sessionsql.Store, r session.Record) error {
		_, err := s.Sweep(ctx)
		return err
	}},
}

// requireAllEnd wants calls at one time to end with their context, though what they
// wait for does not come: no other limit is shorter.
func requireAllEnd(t testing.TB, s *sessionsql.Store, r session.Record, calls ...call) {
	t.Helper()
	const patience = 200 * time.Millisecond
	var all sync.WaitGroup
	for _, c := range calls {
		all.Go(func() {
			end := time.Now().Add(patience)
			ctx, cancel := context.WithDeadline(t.Context(), end)
			defer cancel()
			err := c.do(ctx, s, r)
			assert.Error(t, err, c.name)
			assert.False(t, time.Now().Before(end), "%s ends before its context: %v", c.name, err)
			assert.NoError(t, stress.Named(err), "%s: a failure of the backend must not look like an answer", c.name)
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// freezeCalls has all calls wait for a frozen server, and then looks for what they
// leave behind.
func (b backend) freezeCalls(t *testing.T, server *servers.Server) {
	db := b.connect(t, server)
	store := b.migrated(t, db, sessionsql.Options{})
	r := create(t, store, record("alice"))
	for _, c := range calls[:5] {
		require.NoError(t, c.do(t.Context(), store, r), c.name) // it is prepared
		if c.name == "Update" {
			r.Version++
		}
	}
	idle := runtime.NumGoroutine()
	require.NoError(t, server.SignalAll(syscall.SIGSTOP))
	for range 3 { // also on what the failures leave in the pool
		requireAllEnd(t, store, r, calls...)
	}
	require.NoError(t, server.SignalAll(syscall.SIGCONT))
	// Not by stress.Await, which has goroutines of its own.
	behind := func() bool { return db.Stats().InUse > 0 || runtime.NumGoroutine() > idle }
	for end := time.Now().Add(stress.Patience); behind() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if !assert.False(t, behind(), "something stays behind") {
		stacks := make([]byte, 1<<20)
		t.Logf("%+v, and %d goroutines before:\n%s", db.Stats(), idle, stacks[:runtime.Stack(stacks, true)])
	}

	for _, c := range []call{calls[1], calls[3], calls[4]} {
		err := c.do(t.Context(), store, r)
		if c.name == "Touch" && stress.Named(err) != nil {
			continue // the deletions were done late
		}
		require.NoError(t, err, "%s, when it goes on", c.name)
	}
}

// TestFileLocked has another process hold the lock of an SQLite file: the lock to
// write, or, without WAL, the one that keeps even readers away.
func TestFileLocked(t *testing.T) {
	for _, e := range sqlites {
		for lock, mode := range map[string]string{"BEGIN IMMEDIATE": "WAL", "BEGIN EXCLUSIVE": "DELETE"} {
			t.Run(e.name+"/"+lock, func(t *testing.T) {
				t.Parallel() // it waits for calls to time out
				dsn := strings.ReplaceAll(e.start(t), "WAL", mode)
				db := e.pool(t, dsn, 20)
				store := sessionsql.New(db, e.dialect, nil)
				require.NoError(t, store.Migrate(t.Context()))
				r := create(t, store, record("alice"))
				expired(t, store, "") // for Sweep
				si := stress.NewSite(t, store)
				v := si.Visitor()
				require.True(t, v.Post("/count").OK())

				holder := job{name: "hold", driver: e.driver, dsn: dsn, arg: lock}.start(t)
				require.Equal(t, "held", holder.line())
				wait := slices.Clone(calls)
				if mode == "WAL" {
					wait = slices.DeleteFunc(wait, func(c call) bool { return c.reads })
					requireHolds(t, store, r, "while another writes")
				}
				requireAllEnd(t, store, r, wait...)
				si.During(func() { assert.False(t, v.Post("/count").OK()) })
				var all sync.WaitGroup
				all.Go(func() { assert.True(t, v.Post("/count").OK(), "who waits for long enough") })
				holder.kill()
				all.Wait()
				assert.Equal(t, stress.OK("2 "), v.Post("/read"))
				requireHolds(t, store, r, "no call did anything")
				requireAllWork(t, store, r)
			})
		}
	}
}
