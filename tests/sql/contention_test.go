package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// status returns a number that the server counts.
func status(t testing.TB, db *sql.DB, name string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&name, &n))
	return n
}

// A contest is a database for which many contend.
type contest struct {
	engine
	dsn string
	// gaveUp is how many statements the server has given up because of others.
	gaveUp func(t testing.TB, db *sql.DB) int
}

func (b backend) contest(t testing.TB) contest {
	t.Helper()
	server := b.serve(t, b.hasty...)
	return contest{b.engine, b.dsn(server, b.database), func(t testing.TB, db *sql.DB) int {
		if b.dialect == sessionsql.MySQL {
			return status(t, db, "Innodb_deadlocks")
		}
		return strings.Count(server.Log(), "could not serialize access") + strings.Count(server.Log(), "deadlock detected")
	}}
}

// mySQLContest has the number elsewhere.
func mySQLContest(t testing.TB, e engine) contest {
	t.Helper()
	return contest{e, e.start(t), func(t testing.TB, db *sql.DB) (n int) {
		t.Helper()
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT m.count FROM information_schema.innodb_metrics m WHERE m.name = 'lock_deadlocks'").Scan(&n))
		return n
	}}
}

func TestContention(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { b.contest(t).test(t) })
	}
	for _, e := range mySQLs {
		t.Run(e.name, func(t *testing.T) { mySQLContest(t, e).test(t) })
	}
}

func (b contest) test(t *testing.T) {
	t.Run("storm", b.contend)
	t.Run("deadlock", b.deadlock)
	t.Run("timeout", b.timeOut)
}

// contend has many connections use few sessions, in the isolation in which the
// database gives up the most, and in its default: nobody notices.
func (b contest) contend(t *testing.T) {
	serializable := b.dsn + "&default_transaction_isolation=serializable"
	if b.dialect == sessionsql.MySQL {
		serializable = b.isolation(b.dsn, "SERIALIZABLE")
	}
	for name, dsn := range map[string]string{"default": b.dsn, "serializable": serializable} {
		t.Run(name, func(t *testing.T) {
			db := b.pool(t, dsn, 20)
			before := b.gaveUp(t, db)
			store := b.migrated(t, db, sessionsql.Options{})
			st := stress.NewStorm()
			gentle := func() bool { // of what it is to see
				return b.dialect == sessionsql.Postgres && dsn == serializable && b.gaveUp(t, db) == before
			}
			for seed := uint64(0); seed == 0 || gentle() && !t.Failed(); seed += 8 {
				var all sync.WaitGroup
				for n := range uint64(8) {
					all.Go(func() { st.Blow(stress.Within(t), t, store, seed+n, 200) })
				}
				all.Wait()
			}
			st.Check(t, store)

			c := stress.NewCrowd(b.site(t, db))
			c.AwaitServed(200)
			c.Leave()
			assert.Zero(t, c.Refused())
			assert.Equal(t, "[]", c.Complaints())

			t.Logf("the server gave up %d statements", b.gaveUp(t, db)-before)
		})
	}
}

// deadlock has a transaction of the caller's lock the last session of a subject and
// then the first one, while DeleteAll is between them. One of the two is given up.
func (b contest) deadlock(t *testing.T) {
	t.Run("DeleteAll is given up", func(t *testing.T) {
		// PostgreSQL gives up who finds the deadlock, and each looks once, when it has
		// waited for a while. If that is before there is one, it is too soon.
		for patience := 300 * time.Millisecond; !b.deadlocked(t, true, patience, 10*patience); patience *= 2 {
			require.Less(t, patience, stress.Patience)
		}
	})
	t.Run("the transaction is given up", func(t *testing.T) {
		require.True(t, b.deadlocked(t, false, stress.Patience, 50*time.Millisecond))
	})
}

// deadlocked makes one, and reports whether who should was given up. PostgreSQL has
// the store and the transaction wait for as long as given before they look.
func (b contest) deadlocked(t *testing.T, storeLoses bool, store, transaction time.Duration) bool {
	t.Helper()
	dsn := b.dsn
	if b.dialect == sessionsql.Postgres {
		dsn += fmt.Sprint("&deadlock_timeout=", store.Milliseconds())
	}
	db := b.pool(t, dsn, 20)
	s := b.migrated(t, db, sessionsql.Options{})
	var alices []session.Record
	for range 50 {
		alices = append(alices, create(t, s, record("alice")))
	}
	before := b.gaveUp(t, db)

	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	if b.dialect == sessionsql.Postgres {
		_, err := tx.ExecContext(t.Context(), fmt.Sprint("SET LOCAL deadlock_timeout = ", transaction.Milliseconds()))
		require.NoError(t, err)
	} else if storeLoses { // InnoDB gives up who has done less
		for range 100 {
			require.NoError(t, s.In(tx).Create(t.Context(), record("bob")))
		}
	}
	require.NoError(t, s.In(tx).Update(t.Context(), alices[len(alices)-1]))
	var all sync.WaitGroup
	all.Go(func() {
		n, err := s.DeleteAll(stress.Within(t), "alice")
		assert.NoError(t, err)
		assert.Equal(t, len(alices), n)
	})
	stress.Await(t, func() bool { return b.waits(t, db) })
	err = s.In(tx).Update(t.Context(), alices[0])
	lost := err != nil
	if lost {
		stress.RequireFailure(t, err, "Update in the transaction")
		_ = tx.Rollback() // it has been, in MariaDB
	} else {
		require.NoError(t, tx.Commit())
	}
	all.Wait()
	// More than one, if the store tries again before the transaction goes on.
	assert.Greater(t, b.gaveUp(t, db), before, "deadlocks")
	for _, r := range alices {
		requireAbsent(t, s, r.ID, "after DeleteAll")
	}
	return lost != storeLoses
}

// timeOut has a transaction hold a row for longer than the server lets a statement
// wait for it.
func (b contest) timeOut(t *testing.T) {
	reasons := map[string]string{"lock_timeout=100": "lock timeout", "statement_timeout=100": "statement timeout"}
	if b.dialect == sessionsql.MySQL {
		reasons = map[string]string{"innodb_lock_wait_timeout=1": ""} // it is sent again
	}
	if b.name == mariaDB.name { // MySQL has a limit for reads alone
		reasons["max_statement_time=0.1"] = "max_statement_time exceeded"
	}
	for params, reason := range reasons {
		t.Run(params, func(t *testing.T) {
			db := b.pool(t, b.dsn, 20)
			store := b.migrated(t, db, sessionsql.Options{})
			limited := sessionsql.New(b.pool(t, with(b.dsn, params), 20), b.dialect, &sessionsql.Options{Table: lastTable()})
			r := create(t, store, record("alice"))
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer tx.Rollback()
			require.NoError(t, store.In(tx).Touch(t.Context(), r.ID, r.ExpiresAt.Add(time.Minute)))

			if reason == "" {
				requireHolds(t, limited, r, "while the row is locked")
				before := status(t, db, "Com_stmt_execute")
				var all sync.WaitGroup
				all.Go(func() { assert.NoError(t, limited.Update(t.Context(), r)) })
				stress.Await(t, func() bool { return status(t, db, "Com_stmt_execute") > before+1 })
				require.NoError(t, tx.Rollback())
				all.Wait()
				r.Version++
				requireHolds(t, store, r, "one Update")
				return
			}
			for _, c := range calls {
				if c.reads || c.name == "Create" || c.name == "Sweep" {
					// It does not wait for the lock; a slow machine may take as long.
					stress.Await(t, func() bool { return c.do(stress.Within(t), limited, r) == nil })
					continue
				}
				err := c.do(stress.Within(t), limited, r)
				stress.RequireFailure(t, err, c.name)
				assert.ErrorContains(t, err, reason, c.name)
				assert.NotErrorIs(t, err, context.DeadlineExceeded, "%s has more time", c.name)
			}
			require.NoError(t, tx.Rollback())
			requireHolds(t, store, r, "no call did anything")
			requireAllWork(t, store, r)
		})
	}
}

// TestFilesContended has processes with both drivers increment one version in an
// SQLite file. (Never both in one process: SQLite's locks are the process's, and
// closing the file in one library drops those of the other.)
func TestFilesContended(t *testing.T) {
	e, name := sqlites[0], file(t)
	store := sessionsql.New(e.open(t, modernc(name)), e.dialect, nil)
	require.NoError(t, store.Migrate(t.Context()))
	r := create(t, store, record("alice"))
	var all []*worker
	for range 2 {
		for _, j := range []job{{driver: "sqlite", dsn: modernc(name)}, {driver: "sqlite3", dsn: mattn(name)}} {
			j.name, j.arg = "count", r.ID.String()
			all = append(all, j.start(t))
		}
	}
	for _, w := range all {
		w.wait()
	}
	r.Version += uint64(len(all) * increments)
	requireHolds(t, store, r, "each increment once")
}

// waits tells whether a statement waits for a lock.
func (e engine) waits(t testing.TB, db *sql.DB) bool {
	t.Helper()
	if e.dialect == sessionsql.MySQL { // innodb_trx does not change for who looks more often than all 100 ms
		return status(t, db, "Innodb_row_lock_current_waits") > 0
	}
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").Scan(&n))
	return n > 0
}
