package sql_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
)

// An engine is a database through one driver.
type engine struct {
	name    string
	dialect sessionsql.Dialect
	driver  string
	start   func(t testing.TB) (dsn string)
}

var (
	postgreSQL = engine{"PostgreSQL, pgx", sessionsql.Postgres, "pgx", func(t testing.TB) string {
		return servers.PostgresURL(servers.Postgres(t), "postgres")
	}}
	mariaDB = engine{"MariaDB, go-sql-driver", sessionsql.MySQL, "mysql", func(t testing.TB) string {
		return servers.MariaDBDSN(servers.MariaDB(t), "test")
	}}
	sqlites = []engine{
		{"SQLite, modernc", sessionsql.SQLite, "sqlite", func(t testing.TB) string { return modernc(file(t)) }},
		{"SQLite, mattn", sessionsql.SQLite, "sqlite3", func(t testing.TB) string { return mattn(file(t)) }},
	}
)

// engines are those that the store is tested on, by the drivers in use.
var engines = slices.Concat([]engine{postgreSQL, mariaDB}, sqlites, mySQLs)

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "sessions.db") }

// modernc and mattn are what the README recommends for a file.
func modernc(file string) string {
	return "file:" + file + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(50)"
}

func mattn(file string) string { return "file:" + file + "?_journal_mode=WAL&_busy_timeout=50" }

// open opens a database that is closed with the test.
func (e engine) open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(e.driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

var tables atomic.Int64

// migrated returns a store on a table of its own.
func (e engine) migrated(t testing.TB, db *sql.DB, opts sessionsql.Options) *sessionsql.Store {
	t.Helper()
	opts.Table = fmt.Sprint(cmp.Or(opts.Table, "sessions"), tables.Add(1))
	s := sessionsql.New(db, e.dialect, &opts)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}
