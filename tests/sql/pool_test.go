package sql_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// TestConnectionsTaken has the application use connections for something else.
func TestConnectionsTaken(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			dsn := e.start(t)
			t.Run("all", func(t *testing.T) { e.exhaust(t, dsn) })
			t.Run("transaction", func(t *testing.T) { e.lockOut(t, dsn) })
		})
	}
}

// exhaust uses up the connections: calls wait for one, and end with their context.
func (e engine) exhaust(t *testing.T, dsn string) {
	db := e.pool(t, dsn, 1)
	store := e.migrated(t, db, sessionsql.Options{})
	r := create(t, store, record("alice"))

	held, err := db.Conn(t.Context())
	require.NoError(t, err)
	requireAllEnd(t, store, r, calls...)
	var all sync.WaitGroup
	all.Go(func() { assert.NoError(t, store.Touch(t.Context(), r.ID, in(0)), "who waits for long enough") })
	stress.Await(t, func() bool { return db.Stats().WaitCount > int64(len(calls)) })
	require.NoError(t, held.Close())
	all.Wait()
	requireHolds(t, store, r, "no call did anything")

	// A transaction of the caller's has the connection; in it, the store goes on.
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	require.NoError(t, store.In(tx).Update(t.Context(), r))
	requireAllEnd(t, store, r, calls...)
	require.NoError(t, tx.Commit())
	r.Version++
	requireHolds(t, store, r, "after the transaction")
}

// lockOut has a transaction of the caller's on another connection: it locks its row,
// and in SQLite the file, and no more.
func (e engine) lockOut(t *testing.T, dsn string) {
	db := e.pool(t, dsn, 20)
	store := e.migrated(t, db, sessionsql.Options{})
	r, other := create(t, store, record("alice")), create(t, store, record("bob"))
	expired(t, store, "") // for Sweep

	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	require.NoError(t, store.In(tx).Update(t.Context(), r))
	var wait []call
	for _, c := range calls {
		switch {
		case c.reads:
			assert.NoError(t, c.do(stress.Within(t), store, r), "%s, while the row is written", c.name)
		case e.dialect == sessionsql.SQLite, c.name != "Create" && c.name != "Sweep":
			wait = append(wait, c)
		}
	}
	requireAllEnd(t, store, r, wait...)
	if e.dialect != sessionsql.SQLite {
		requireAllWork(t, store, other)
	}
	require.NoError(t, tx.Rollback())
	requireAllWork(t, store, create(t, store, record("carol")))
	if e.dialect != sessionsql.SQLite {
		return // the server may go on with what nobody waits for any more
	}
	requireHolds(t, store, r, "no call did anything, nor the transaction")
}

// requireAllWork makes all calls, after which the record is gone.
func requireAllWork(t testing.TB, s *sessionsql.Store, r session.Record) {
	t.Helper()
	for _, c := range calls {
		require.NoError(t, c.do(stress.Within(t), s, r), c.name)
	}
	requireAbsent(t, s, r.ID, "in the end")
}

// TestServerFull has an application whose pool is larger than what the server
// lets in: requests wait for each other's connections.
func TestServerFull(t *testing.T) {
	args := map[string][]string{
		onPostgres.name: {"-c", "max_connections=5", "-c", "superuser_reserved_connections=1", "-c", "max_wal_senders=0"},
		onMariaDB.name:  {"--max-connections=10"},
	}
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			server := b.serve(t, append(args[b.name], b.hasty...)...)
			db := b.connect(t, server)
			db.SetMaxIdleConns(1) // so that it connects all the time
			si := b.site(t, db)
			db.SetMaxOpenConns(0)
			var all sync.WaitGroup
			for range 20 {
				v := si.Visitor()
				all.Go(func() {
					for n := range 5 {
						if assert.True(t, v.Post("/count").OK()) {
							assert.Equal(t, stress.OK(fmt.Sprint(n+1, " ")), v.Post("/read"))
						}
					}
				})
			}
			all.Wait()

			// Where nobody leaves, a call ends with its context.
			store := b.migrated(t, db, sessionsql.Options{})
			r := create(t, store, record("alice"))
			var taken []interface{ Close() error }
			for {
				c, err := db.Conn(t.Context())
				if err != nil {
					break
				}
				taken = append(taken, c)
			}
			t.Logf("the server lets %d in", len(taken))
			requireAllEnd(t, store, r, calls...)
			for _, c := range taken {
				require.NoError(t, c.Close())
			}
			requireHolds(t, store, r, "no call did anything")
		})
	}
}
