package processes

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
)

// stores are those that processes can share.
var stores = []struct {
	name  string
	start func(t *testing.T) []string // a backend, as each of the processes opens it
}{
	{"redis", func(t *testing.T) []string { return twice("redis " + servers.Redis(t).Addr()) }},
	{"PostgreSQL", func(t *testing.T) []string {
		return twice("pgx " + servers.PostgresURL(servers.Postgres(t), "postgres"))
	}},
	{"MariaDB", func(t *testing.T) []string { return twice("mysql " + servers.MariaDBDSN(servers.MariaDB(t), "test")) }},
	{"SQLite, modernc", func(t *testing.T) []string { return twice(modernc(file(t))) }},
	{"SQLite, mattn", func(t *testing.T) []string { return twice(mattn(file(t))) }},
	{"SQLite, one of each", func(t *testing.T) []string {
		f := file(t)
		return []string{modernc(f), mattn(f)}
	}},
}

func twice(backend string) []string { return []string{backend, backend} }

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "sessions.db") }

func modernc(file string) string {
	return "sqlite file:" + file + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(50)"
}

func mattn(file string) string { return "sqlite3 file:" + file + "?_journal_mode=WAL&_busy_timeout=50" }

// open opens a backend: the name of its driver, and what that connects to.
// It is closed by the end of the process.
func open(backend string) (session.Store, error) {
	driver, dsn, _ := strings.Cut(backend, " ")
	if driver == "redis" {
		return sessionredis.New(redis.NewClient(&redis.Options{Addr: dsn, ContextTimeoutEnabled: true}), nil), nil
	}
	dialect := map[string]sessionsql.Dialect{
		"pgx": sessionsql.Postgres, "mysql": sessionsql.MySQL, "sqlite": sessionsql.SQLite, "sqlite3": sessionsql.SQLite,
	}[driver]
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", backend, err)
	}
	db.SetMaxOpenConns(16) // the servers have 100 or 151 for all processes
	db.SetMaxIdleConns(16)
	store := sessionsql.New(db, dialect, nil)
	return store, store.Migrate(context.Background())
}
