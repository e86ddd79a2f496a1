package matrix

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
)

func openPostgres(t *testing.T) session.Store {
	return openSQL(t, sessionsql.Postgres, "pgx", servers.PostgresURL(servers.Postgres(t), "postgres"))
}

func openMariaDB(t *testing.T) session.Store {
	return openSQL(t, sessionsql.MySQL, "mysql", servers.MariaDBDSN(servers.MariaDB(t), "test"))
}

func openModernc(t *testing.T) session.Store {
	return openSQL(t, sessionsql.SQLite, "sqlite", "file:"+file(t)+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(50)")
}

func openMattn(t *testing.T) session.Store {
	return openSQL(t, sessionsql.SQLite, "sqlite3", "file:"+file(t)+"?_journal_mode=WAL&_busy_timeout=50")
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "sessions.db") }

func openSQL(t *testing.T, dialect sessionsql.Dialect, driver, dsn string) session.Store {
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	db.SetMaxOpenConns(16) // the suite has 200 requests at once, and the servers 100 or 151 connections
	db.SetMaxIdleConns(16)
	store := sessionsql.New(db, dialect, nil)
	require.NoError(t, store.Migrate(t.Context()))
	return store
}
