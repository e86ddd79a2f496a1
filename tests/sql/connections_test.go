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

	"github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/stress"
)

// others are the connections of a server, but for the administrator's own.
func (b backend) others(t testing.TB, admin *sql.DB) (all []int) {
	t.Helper()
	text := "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
	if b.dialect == sessionsql.MySQL {
		text = "SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> connection_id()"
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
func (b backend) killAll(t testing.TB, admin *sql.DB) {
	t.Helper()
	for _, id := range b.others(t, admin) {
		if b.dialect == sessionsql.Postgres {
			must(t, admin, fmt.Sprintf("SELECT pg_terminate_backend(%d)", id))
			continue
		}
		_, err := admin.ExecContext(t.Context(), fmt.Sprint("KILL CONNECTION ", id))
		var e *mysql.MySQLError
		if gone := errors.As(err, &e) && e.Number == 1094; !gone {
			require.NoError(t, err)
		}
	}
}

// TestConnectionsKilled ends all connections all the time: what fails says so,
// and nothing is lost or done twice.
func TestConnectionsKilled(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			server := b.serve(t, b.hasty...)
			admin := b.open(t, b.dsn(server, b.database))
			admin.SetMaxOpenConns(1)
			db := b.connect(t, server)

			t.Run("idle", func(t *testing.T) {
				store := b.migrated(t, db, sessionsql.Options{})
				r := create(t, store, record("alice"))
				for range 3 {
					occupy(t, db, 20)
					occupy(t, db, 20) // pgx asks a connection that is not used in the second before whether it lives
					require.Equal(t, 20, db.Stats().Idle)
					b.killAll(t, admin)
					stress.Await(t, func() bool { return len(b.others(t, admin)) == 0 })
					requireHolds(t, store, r, "the first read after it")
				}
			})
			t.Run("under load", func(t *testing.T) {
				store := b.migrated(t, db, sessionsql.Options{})
				c, h := stress.NewCrowd(b.site(t, db)), stress.RecordStore(t, store, store)
				c.During(func() {
					for range 20 {
						b.killAll(t, admin)
						c.AwaitServed(20)
						h.Await(10)
					}
				})
				assert.NotZero(t, c.Refused(), "a write is not repeated: no connection died in use")
				c.AwaitServed(100)
				c.Leave()
				h.Check()
				assert.NotContains(t, c.Complaints(), "sessionsql: load", "what can be repeated is")
			})
		})
	}
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
