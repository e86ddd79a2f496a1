package sql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// others are the connections of a server, but for the administrator's own, and in MySQL
// those of the database.
func (e engine) others(t testing.TB, admin *sql.DB) (all []int) {
	t.Helper()
	text := "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
	if e.dialect == sessionsql.MySQL {
		text = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> connection_id()"
	}
	rows, err := admin.QueryContext(t.Context(), text)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var id int
		require.NoError(t, rows.Scan(&id))
		all = append(all, id)
	}
	require.NoError(t, rows.Err())
	return all
}

// killAll ends all connections but its own, as an administrator does.
func (e engine) killAll(t testing.TB, admin *sql.DB) {
	t.Helper()
	for _, id := range e.others(t, admin) {
		if e.dialect == sessionsql.Postgres {
			must(t, admin, fmt.Sprintf("SELECT pg_terminate_backend(%d)", id))
			continue
		}
		_, err := admin.ExecContext(t.Context(), fmt.Sprint("KILL CONNECTION ", id))
		var refused *mysql.MySQLError
		if gone := errors.As(err, &refused) && refused.Number == 1094; !gone {
			require.NoError(t, err)
		}
	}
}

// TestConnectionsKilled ends all connections all the time: what fails says so,
// and nothing is lost or done twice.
func TestConnectionsKilled(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { b.killConnections(t, b.dsn(b.serve(t, b.hasty...), b.database)) })
	}
	for _, e := range mySQLs {
		t.Run(e.name, func(t *testing.T) { e.killConnections(t, e.start(t)) })
	}
}

func (e engine) killConnections(t *testing.T, dsn string) {
	admin := e.open(t, dsn)
	admin.SetMaxOpenConns(1)
	db := e.pool(t, dsn, 20)

	t.Run("idle", func(t *testing.T) {
		store := e.migrated(t, db, sessionsql.Options{})
		r := create(t, store, record("alice"))
		for range 3 {
			occupy(t, db, 20)
			occupy(t, db, 20) // pgx asks a connection that is not used in the second before whether it lives
			require.Equal(t, 20, db.Stats().Idle)
			e.killAll(t, admin)
			stress.Await(t, func() bool { return len(e.others(t, admin)) == 0 })
			requireHolds(t, store, r, "the first read after it")
		}
	})
	t.Run("under load", func(t *testing.T) {
		store := e.migrated(t, db, sessionsql.Options{})
		c, h := stress.NewCrowd(e.site(t, db)), stress.RecordStore(t, store, store)
		c.During(func() {
			// A write is not repeated, so who has a connection that dies in use is refused.
			for i := 0; i < 20 || c.Refused() == 0; i++ {
				e.killAll(t, admin)
				c.AwaitServed(20)
				h.Await(10)
				c.AwaitAnswered() // a read is repeated once, so none may meet two of these
			}
		})
		c.AwaitServed(100)
		c.Leave()
		h.Check()
		assert.NotContains(t, c.Complaints(), "sessionsql: load", "what can be repeated is")
	})
}

// occupy has a pool open so many connections, and leaves them idle.
func occupy(t testing.TB, db *sql.DB, n int) {
	t.Helper()
	var open sync.WaitGroup
	conns := make([]*sql.Conn, n)
	for i := range conns {
		open.Go(func() {
			var err error
			conns[i], err = db.Conn(t.Context())
			assert.NoError(t, err)
		})
	}
	open.Wait()
	for _, c := range conns {
		require.NoError(t, c.Close())
	}
}

// TestConnectionsIdle has MySQL, which says so, end a connection that is idle for a
// second, and a driver that does not look at it before it uses it.
func TestConnectionsIdle(t *testing.T) {
	for _, e := range mySQLs {
		t.Run(e.name, func(t *testing.T) {
			dsn := e.start(t)
			admin := e.open(t, dsn)
			admin.SetMaxOpenConns(1)
			db := e.pool(t, with(dsn, "wait_timeout=1&checkConnLiveness=false"), 1)
			store := e.migrated(t, db, sessionsql.Options{})
			r := create(t, store, record("alice"))
			requireHolds(t, store, r, "before") // it is prepared, which the driver would repeat
			stress.Await(t, func() bool { return len(e.others(t, admin)) == 0 })
			require.Equal(t, 1, db.Stats().Idle, "the pool does not know")
			requireHolds(t, store, r, "the first read after it")
		})
	}
}

// TestReadRepeated has a read fail with the codes of connections that MySQL or MariaDB
// ended, and with others.
func TestReadRepeated(t *testing.T) {
	db, spy := mariaDB.spied(t, mariaDB.start(t))
	store := mariaDB.migrated(t, db, sessionsql.Options{})
	r := create(t, store, record("alice"))
	requireHolds(t, store, r, "before")
	for _, number := range []uint16{1053, 1317, 1927, 4031} {
		spy.fail(&mysql.MySQLError{Number: number})
		requireHolds(t, store, r, fmt.Sprint("after ", number))
	}
	for _, number := range []uint16{1064, 1142} { // syntax, no right
		spy.fail(&mysql.MySQLError{Number: number})
		_, err := store.Load(t.Context(), r.ID)
		assert.ErrorContains(t, err, fmt.Sprint(number))
	}
	requireHolds(t, store, r, "in the end")
}
