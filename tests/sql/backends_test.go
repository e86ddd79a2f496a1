package sql_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// A backend is an engine that is a server, to which tests do something.
type backend struct {
	engine
	serve    func(t testing.TB, args ...string) *servers.Server
	dsn      func(s *servers.Server, database string) string
	database string
	hasty    []string // arguments for what loses commits when it is killed
}

var (
	onPostgres = backend{postgreSQL, servers.Postgres, servers.PostgresURL, "postgres", []string{"-c", "fsync=off"}}
	onMariaDB  = backend{mariaDB, servers.MariaDB, servers.MariaDBDSN, "test", []string{"--innodb-flush-log-at-trx-commit=0"}}
	backends   = []backend{onPostgres, onMariaDB}
)

// connect returns a pool of a server as a busy application has it: with room
// for 20 connections, all of which it keeps.
func (b backend) connect(t testing.TB, s *servers.Server) *sql.DB {
	t.Helper()
	return b.pool(t, b.dsn(s, b.database), 20)
}

func (e engine) pool(t testing.TB, dsn string, size int) *sql.DB {
	t.Helper()
	db, err := sql.Open(e.driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() }) // reports connections that are dead
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

// site starts a site on a table of its own.
func (e engine) site(t testing.TB, db *sql.DB) *stress.Site {
	t.Helper()
	return stress.NewSite(t, e.migrated(t, db, sessionsql.Options{}))
}

// must executes statements that are not what the test is about.
func must(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, text := range statements {
		_, err := db.ExecContext(t.Context(), text)
		require.NoError(t, err, text)
	}
}

// lastTable is the table of the store that migrated has returned last.
func lastTable() string { return fmt.Sprint("sessions", tables.Load()) }
