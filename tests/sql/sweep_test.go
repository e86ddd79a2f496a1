package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// swept is the most that a sweep removes.
const swept = 1000

func TestSweep(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			db := e.open(t, e.start(t))
			t.Run("Batches", func(t *testing.T) { e.testSweepBatches(t, db) })
			t.Run("Many", func(t *testing.T) { e.testManySweepers(t, db) })
			t.Run("Every", func(t *testing.T) { e.testSweepEvery(t, db) })
			if e.dialect != sessionsql.SQLite { // which lets nobody else write meanwhile
				t.Run("Extended", func(t *testing.T) { e.testSweepSparesExtended(t, db) })
			}
		})
	}
}

// sweepable returns a store with so many expired sessions, of the last hours, and
// the name of its table.
func (e engine) sweepable(t *testing.T, db *sql.DB, n int) (*sessionsql.Store, string) {
	t.Helper()
	table := fmt.Sprint("swept", tables.Add(1))
	s := sessionsql.New(db, e.dialect, &sessionsql.Options{Table: table})
	require.NoError(t, s.Migrate(t.Context()))
	text := map[sessionsql.Dialect]string{
		sessionsql.Postgres: `INSERT INTO %[1]s (id, version, expires_at, data)
			SELECT gen_random_uuid(), 1, %[2]d - i * 5000, '' FROM generate_series(0, %[3]d - 1) i`,
		sessionsql.MySQL: `INSERT INTO %[1]s (id, version, expires_at, data)
			SELECT UNHEX(MD5(i)), 1, %[2]d - i * 5000, '' FROM ` + mySQLSeries + ` n`,
		sessionsql.SQLite: `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %[3]d - 1)
			INSERT INTO %[1]s (id, version, expires_at, data) SELECT randomblob(16), 1, %[2]d - i * 5000, x'' FROM n`,
	}[e.dialect]
	_, err := db.ExecContext(t.Context(), fmt.Sprintf(text, table, time.Now().UnixMilli(), n))
	require.NoError(t, err)
	return s, table
}

// rowsOf counts what is stored, live or not.
func rowsOf(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func (e engine) testSweepBatches(t *testing.T, db *sql.DB) {
	s, table := e.sweepable(t, db, swept+500)
	live := create(t, s, record("alice"))
	recent := create(t, s, record(""))
	for _, want := range []int{swept, 500, 0} {
		n, err := s.Sweep(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
	requireHolds(t, s, live, "after the sweeps")
	assert.Equal(t, 2, rowsOf(t, db, table), "the live ones")
	recent.ExpiresAt = in(0)
	require.NoError(t, s.Update(t.Context(), recent))
	n, err := s.Sweep(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n, "the one that has expired just now")
	assert.Equal(t, 1, rowsOf(t, db, table))
}

// testManySweepers has processes sweep at once, while sessions are in use.
func (e engine) testManySweepers(t *testing.T, db *sql.DB) {
	const expired, sweepers = 3500, 6
	s, table := e.sweepable(t, db, expired)
	live := create(t, s, record("alice"))
	var removed [sweepers]int
	var all sync.WaitGroup
	for i := range sweepers {
		all.Go(func() {
			for idle := 0; idle < 2; { // what others have locked is left to the next
				n, err := s.Sweep(stress.Within(t)) // without a deadline it may give up where the file is crowded
				if !assert.NoError(t, err) {
					return
				}
				if removed[i] += n; n == 0 {
					idle++
				}
			}
		})
	}
	for range 20 {
		require.NoError(t, s.Update(stress.Within(t), live))
		live.Version++
		live.ExpiresAt = live.ExpiresAt.Add(time.Second)
		require.NoError(t, s.Touch(stress.Within(t), live.ID, live.ExpiresAt))
	}
	all.Wait()
	n, err := s.Sweep(t.Context())
	require.NoError(t, err)
	for i := range removed {
		n += removed[i]
	}
	assert.Equal(t, expired, n, "each is removed, and counted, once")
	requireHolds(t, s, live, "which was in use")
	assert.Equal(t, 1, rowsOf(t, db, table))
}

func (e engine) testSweepEvery(t *testing.T, db *sql.DB) {
	const expired = 2*swept + 10
	s, table := e.sweepable(t, db, expired)
	ctx, cancel := context.WithCancel(t.Context())
	reports := make(chan int, 1000) // more than it makes until it ends
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.SweepEvery(ctx, 20*time.Millisecond, func(n int, err error) {
			assert.NoError(t, err)
			reports <- n
		})
	}()
	assert.Equal(t, expired, <-reports, "the first time removes all, batch by batch")
	assert.Zero(t, <-reports)
	assert.Zero(t, rowsOf(t, db, table))
	cancel()
	select {
	case <-ended:
	case <-time.After(stress.Patience):
		t.Fatal("SweepEvery goes on after its context has ended")
	}

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	var times []time.Time
	missing := sessionsql.New(db, e.dialect, &sessionsql.Options{Table: "missing"})
	missing.SweepEvery(ctx, 40*time.Millisecond, func(n int, err error) {
		assert.Zero(t, n)
		assert.ErrorContains(t, err, "there is no table", "it reports, and goes on")
		if times = append(times, time.Now()); len(times) == 12 {
			cancel()
		}
	})
	require.Len(t, times, 12)
	first := times[1].Sub(times[0])
	least, most := first, first
	for i := range times[1:] {
		pause := times[i+1].Sub(times[i])
		least, most = min(least, pause), max(most, pause)
	}
	assert.GreaterOrEqual(t, least, 20*time.Millisecond, "the least is half the interval")
	assert.Greater(t, most-least, 2*time.Millisecond, "the intervals vary")
	sessionsql.New(db, e.dialect, nil).SweepEvery(ctx, 0, nil) // has ended: it returns
}

// testSweepSparesExtended sweeps while a session is being extended, whose row another
// transaction has locked and not yet committed.
func (e engine) testSweepSparesExtended(t *testing.T, db *sql.DB) {
	s, table := e.sweepable(t, db, 10)
	ended := create(t, s, record("alice"))

	// Two that are about to expire: one is extended, one is not after all.
	r, back := record("alice"), record("bob")
	var extended session.Record
	var tx, undone *sql.Tx
	for life := time.Second; ; life *= 2 {
		r.ExpiresAt = in(life)
		back.ExpiresAt, extended = r.ExpiresAt, r
		extended.ExpiresAt = in(time.Hour)
		create(t, s, r)
		create(t, s, back)
		tx, undone = begin(t, db), begin(t, db)
		err := errors.Join(s.In(tx).Touch(t.Context(), r.ID, extended.ExpiresAt), s.In(undone).Touch(t.Context(), back.ID, in(time.Hour)))
		if err == nil {
			break
		}
		// The machine was too slow: both had expired.
		require.ErrorIs(t, err, session.ErrNotFound)
		require.Less(t, life, stress.Patience)
		require.NoError(t, errors.Join(tx.Rollback(), undone.Rollback()))
		r.ID, back.ID = session.NewID(), session.NewID()
	}
	time.Sleep(time.Until(r.ExpiresAt.Add(2 * time.Millisecond)))

	removed := make(chan int, 1)
	go func() {
		n, err := s.Sweep(stress.Within(t))
		assert.NoError(t, err)
		removed <- n
	}()
	if e.dialect == sessionsql.Postgres {
		assert.Equal(t, 10, <-removed, "it does not wait for those that others have locked")
		removed <- 0
	} else {
		requireWaiting(t, db, table)
	}
	require.NoError(t, tx.Commit())
	require.NoError(t, undone.Rollback())
	n := <-removed
	requireHolds(t, s, extended, "which was extended while the sweep looked at it")
	requireHolds(t, s, ended, "which is live")
	more, err := s.Sweep(t.Context())
	require.NoError(t, err)
	if e.dialect == sessionsql.Postgres {
		n += 10
	}
	assert.Equal(t, 11, n+more, "with the one that was not extended after all")
	requireHolds(t, s, extended, "after another sweep")
}

// mySQLSeries has as i the numbers from 1 to the third argument.
const mySQLSeries = `JSON_TABLE(CONCAT('[0', REPEAT(',0', %[3]d - 1), ']'), '$[*]' COLUMNS (i FOR ORDINALITY))`

// requireWaiting waits until a statement on a table waits for a lock in InnoDB.
func requireWaiting(t *testing.T, db *sql.DB, table string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE ?", "%"+table+"%").Scan(&n))
		return n > 0
	}, stress.Patience, 150*time.Millisecond) // more often, and it shows what it showed before
}
