package bench

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/mysqlstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	_ "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	"github.com/redis/go-redis/v9"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionredis "github.com/gostateful/session/redis"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
)

// stores are where the sessions are.
var stores = []struct {
	name string
	open func(testing.TB) opened
}{
	{"memory", openMemory}, {"redis", openRedis}, {"postgres", openPostgres}, {"mariadb", openMariaDB}, {"sqlite", openSQLite},
}

// opened is a store that was opened.
type opened struct {
	store     func() session.Store // ours
	libraries []contender
	raw       func(tb testing.TB, operation string) func() // nil: there is no server
	work      func() map[string]float64                    // what the server has done so far, by unit
	size      func() float64                               // what it takes in memory or on disk, in bytes; nil: see TestFootprint of memory
}

// A contender is a library on this store.
type contender struct {
	name string
	site func(testing.TB) site
}

// must stops with the error of what a benchmark has set up.
func must[T any](tb testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func idle() map[string]float64 { return nil }

// oursAnd is our store, on net/http and on fiber, and other libraries.
func oursAnd(store func() session.Store, others ...contender) []contender {
	return append([]contender{
		{"session", func(tb testing.TB) site { return served(oursOn(tb, store(), nil).handler()) }},
		{"session-fiber", func(tb testing.TB) site { return oursOnFiber(tb, store()) }},
	}, others...)
}

func openMemory(testing.TB) opened {
	ours := func() session.Store { return memory.New(nil) }
	return opened{store: ours, work: idle, libraries: oursAnd(
		ours,
		contender{"session-cbor", func(tb testing.TB) site { return cborOn(tb, memory.New(nil)) }},
		contender{"scs", func(tb testing.TB) site {
			return served(scsOn(tb, memstore.NewWithCleanupInterval(0), nil).handler())
		}},
		contender{"gorilla", func(tb testing.TB) site { return served(gorillaOn(tb, newGorillaStore(), nil).handler()) }},
		contender{"gin", func(tb testing.TB) site { return ginOn(tb, ginMemory()) }},
		contender{"fiber", func(tb testing.TB) site { return fiberOn(tb, nil) }},
	)}
}

// bounded is for raw commands: they have a deadline, as every call of ours has.
func bounded(call func(context.Context)) func() {
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		call(ctx)
	}
}

// payload is as long as what we store.
var payload = bytes.Repeat([]byte("x"), 680)

func openRedis(tb testing.TB) opened {
	server := servers.Redis(tb)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	tb.Cleanup(func() { _ = client.Close() })
	ours := func() session.Store { return sessionredis.New(client, nil) }
	return opened{
		store: ours,
		libraries: oursAnd(
			ours,
			contender{"scs", func(tb testing.TB) site { return served(scsOn(tb, goredisstore.New(client), nil).handler()) }},
			contender{"gorilla", func(tb testing.TB) site { return served(gorillaOn(tb, gorillaRedis(tb, server.Addr()), nil).handler()) }},
			contender{"gin", func(tb testing.TB) site { return ginOn(tb, ginRedis(tb, server.Addr())) }},
			contender{"fiber", func(tb testing.TB) site { return fiberOn(tb, fiberRedis(tb, server.Port)) }},
		),
		raw: func(tb testing.TB, operation string) func() {
			key, ok := session.NewID().String(), must[string](tb)
			get := func(ctx context.Context) { ok(client.Get(ctx, key).Result()) }
			set := func(ctx context.Context, key string) { ok(client.Set(ctx, key, payload, time.Hour).Result()) }
			set(context.Background(), key)
			return map[string]func(){
				"read":   bounded(get),
				"modify": bounded(func(ctx context.Context) { get(ctx); set(ctx, key) }),
				"create": bounded(func(ctx context.Context) { set(ctx, session.NewID().String()) }),
			}[operation]
		},
		work: func() map[string]float64 {
			commands := 0.0
			stats := must[string](tb)(client.Info(context.Background(), "commandstats").Result())
			for line := range strings.Lines(stats) {
				var n float64
				if _, counts, found := strings.Cut(line, ":calls="); found && !strings.HasPrefix(line, "cmdstat_info") {
					_, _ = fmt.Sscanf(counts, "%f", &n)
				}
				commands += n
			}
			return map[string]float64{"commands/op": commands, "server-µs/op": float64(server.CPU().Microseconds())}
		},
		size: func() float64 {
			memory := must[map[string]map[string]string](tb)(client.InfoMap(context.Background(), "memory").Result())
			return must[float64](tb)(strconv.ParseFloat(memory["Memory"]["used_memory"], 64))
		},
	}
}

func worked(server *servers.Server) func() map[string]float64 {
	return func() map[string]float64 {
		return map[string]float64{"server-µs/op": float64(server.CPU().Microseconds())}
	}
}

// database opens a database of the same name as the driver's connections, with the
// settings that our README gives.
func database(tb testing.TB, driver, dsn string) *sql.DB {
	db := must[*sql.DB](tb)(sql.Open(driver, dsn))
	tb.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	return db
}

func migrated(tb testing.TB, db *sql.DB, dialect sessionsql.Dialect) func() session.Store {
	store := sessionsql.New(db, dialect, &sessionsql.Options{Table: "ours"})
	if err := store.Migrate(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return func() session.Store { return store }
}

// rawSQL are prepared statements on a table of an ID and data.
func rawSQL(tb testing.TB, db *sql.DB, id, data, parameters string) func(testing.TB, string) func() {
	exec := must[sql.Result](tb)
	exec(db.Exec("CREATE TABLE raw (id " + id + " PRIMARY KEY, data " + data + ")"))
	p := strings.Fields(parameters)
	prepare := must[*sql.Stmt](tb)
	read := prepare(db.Prepare("SELECT data FROM raw WHERE id = " + p[0]))
	change := prepare(db.Prepare("UPDATE raw SET data = " + p[0] + " WHERE id = " + p[1]))
	add := prepare(db.Prepare("INSERT INTO raw (id, data) VALUES (" + p[0] + ", " + p[1] + ")"))
	return func(tb testing.TB, operation string) func() {
		id, exec := session.NewID().String(), must[sql.Result](tb)
		insert := func(ctx context.Context, id string) { exec(add.ExecContext(ctx, id, payload)) }
		insert(context.Background(), id)
		get := func(ctx context.Context) {
			var b []byte
			if err := read.QueryRowContext(ctx, id).Scan(&b); err != nil {
				tb.Fatal(err)
			}
		}
		changed := bytes.Clone(payload)
		return map[string]func(){
			"read": bounded(get),
			"modify": bounded(func(ctx context.Context) {
				get(ctx)
				changed[0]++ // or MariaDB writes nothing
				exec(change.ExecContext(ctx, changed, id))
			}),
			"create": bounded(func(ctx context.Context) { insert(ctx, session.NewID().String()) }),
		}[operation]
	}
}

// A relational is a database with the tables of all libraries.
type relational struct {
	db        *sql.DB
	dialect   sessionsql.Dialect
	scs       scs.Store
	gorm      func() gorm.Dialector // for one pool of connections each
	raw       [3]string             // the types of an ID and of data, and two parameters
	work      func() map[string]float64
	size      string // the statement that tells the bytes of our table and its indexes
	scsTables string // as the README of scs has them
}

func (r relational) open(tb testing.TB) opened {
	for statement := range strings.SplitSeq(r.scsTables, ";") {
		must[sql.Result](tb)(r.db.Exec(statement))
	}
	ours := migrated(tb, r.db, r.dialect)
	return opened{
		store: ours,
		libraries: oursAnd(
			ours,
			contender{"scs", func(tb testing.TB) site { return served(scsOn(tb, r.scs, nil).handler()) }},
			contender{"gorilla", func(tb testing.TB) site { return served(gorillaOn(tb, gorillaGorm(tb, r.gorm()), nil).handler()) }},
		),
		raw:  rawSQL(tb, r.db, r.raw[0], r.raw[1], r.raw[2]),
		work: r.work,
		size: func() (n float64) {
			if err := r.db.QueryRow(r.size).Scan(&n); err != nil {
				tb.Fatal(err)
			}
			return n
		},
	}
}

func openPostgres(tb testing.TB) opened {
	server := servers.Postgres(tb)
	url := servers.PostgresURL(server, "postgres")
	pool := must[*pgxpool.Pool](tb)(pgxpool.New(context.Background(), url+"&pool_max_conns=20"))
	tb.Cleanup(pool.Close)
	return relational{
		db: database(tb, "pgx", url), dialect: sessionsql.Postgres, work: worked(server),
		scs:  pgxstore.NewWithCleanupInterval(pool, 0),
		gorm: func() gorm.Dialector { return postgres.Open(url) },
		raw:  [3]string{"UUID", "BYTEA", "$1 $2"},
		size: "SELECT pg_total_relation_size('ours')",
		scsTables: `CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL);
			CREATE INDEX sessions_expiry_idx ON sessions (expiry)`,
	}.open(tb)
}

func openMariaDB(tb testing.TB) opened {
	server := servers.MariaDB(tb)
	dsn := servers.MariaDBDSN(server, "test") + "?parseTime=true&interpolateParams=true" // else the peers prepare each statement anew
	db := database(tb, "mysql", dsn)
	return relational{
		db: db, dialect: sessionsql.MySQL, work: worked(server),
		scs:  mysqlstore.NewWithCleanupInterval(db, 0),
		gorm: func() gorm.Dialector { return mysql.Open(dsn) },
		raw:  [3]string{"CHAR(36)", "BLOB", "? ?"},
		size: "SELECT file_size FROM information_schema.innodb_sys_tablespaces WHERE name = 'test/ours'",
		scsTables: `CREATE TABLE sessions (token CHAR(43) PRIMARY KEY, data BLOB NOT NULL, expiry TIMESTAMP(6) NOT NULL);
			CREATE INDEX sessions_expiry_idx ON sessions (expiry)`,
	}.open(tb)
}

func openSQLite(tb testing.TB) opened {
	dsn := "file:" + filepath.Join(tb.TempDir(), "sessions.db") + "?_journal_mode=WAL&_busy_timeout=5000&_synchronous=NORMAL"
	db := database(tb, "sqlite3", dsn)
	return relational{
		db: db, dialect: sessionsql.SQLite, work: idle,
		scs:  sqlite3store.NewWithCleanupInterval(db, 0),
		gorm: func() gorm.Dialector { return sqlite.Open(dsn) },
		raw:  [3]string{"TEXT", "BLOB", "? ?"},
		size: "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
		scsTables: `CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);
			CREATE INDEX sessions_expiry_idx ON sessions (expiry)`,
	}.open(tb)
}
