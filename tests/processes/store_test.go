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
	"github.com/gostateful/session/memory"
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

// A backend is a store as one process has it.
type backend struct {
	store       session.Store
	connections func() int                         // that the process has
	stored      func(context.Context) (int, error) // rows or keys, live or not
	fill        func(context.Context) error        // makes all connections that the process may have
}

// most is how many connections a process may have. The databases have 100 or 151
// for all of them.
const most = 16

// open opens a backend: the name of its driver, and what that connects to.
// It is closed by the end of the process.
func open(name string) (*backend, error) {
	driver, dsn, _ := strings.Cut(name, " ")
	switch driver {
	case "lagging":
		b, err := open(dsn)
		if err != nil {
			return nil, err
		}
		b.store = &lagging{b.store.(whole)}
		return b, nil
	case "memory":
		store := memory.New(nil)
		return &backend{
			store,
			func() int { return 0 },
			func(context.Context) (int, error) { return store.Len(), nil },
			func(context.Context) error { return nil },
		}, nil
	case "redis":
		client := redis.NewClient(&redis.Options{Addr: dsn, ContextTimeoutEnabled: true, PoolSize: most})
		return &backend{
			sessionredis.New(client, nil),
			func() int { return int(client.PoolStats().TotalConns) },
			func(ctx context.Context) (int, error) {
				n, err := client.DBSize(ctx).Result()
				return int(n), err
			},
			func(ctx context.Context) error {
				for range most {
					c := client.Conn()
					defer c.Close()
					if err := c.Ping(ctx).Err(); err != nil {
						return err
					}
				}
				return nil
			},
		}, nil
	}
	dialect := map[string]sessionsql.Dialect{
		"pgx": sessionsql.Postgres, "mysql": sessionsql.MySQL, "sqlite": sessionsql.SQLite, "sqlite3": sessionsql.SQLite,
	}[driver]
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	store := sessionsql.New(db, dialect, nil)
	return &backend{
		store,
		func() int { return db.Stats().OpenConnections },
		func(ctx context.Context) (n int, err error) {
			err = db.QueryRowContext(ctx, "SELECT count(*) FROM sessions").Scan(&n)
			return n, err
		},
		func(ctx context.Context) error {
			for range most {
				c, err := db.Conn(ctx)
				if err != nil {
					return err
				}
				defer c.Close()
				if _, err := c.ExecContext(ctx, "SELECT count(*) FROM sessions"); err != nil { // SQLite opens its files
					return err
				}
			}
			return nil
		},
	}, store.Migrate(context.Background())
}
