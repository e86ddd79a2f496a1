package sql_test

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// awkward is a name that goes wrong wherever it is not quoted, or is quoted and
// then taken for something else.
const awkward = "É'\"`]; ?$1 {id}{table} %s \\\n--."

// TestSettings has each database set up in ways that applications do, and which
// must not matter: first all that differ most together, then each by itself.
func TestSettings(t *testing.T) {
	_, offset := time.Now().Zone()
	require.Equal(t, -11*60*60, offset, "the process is in the time zone that TestMain chose")
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		testPostgresSettings(t)
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		server := servers.MariaDB(t, "--default-time-zone=+13:00")
		mariaDB.testMySQLSettings(t, servers.MariaDBDSN(server, "test"))
	})
	for _, e := range mySQLs {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.testMySQLSettings(t, e.start(t))
		})
	}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		testSQLiteSettings(t)
	})
}

func testPostgresSettings(t *testing.T) {
	e := postgreSQL
	server := servers.Postgres(t, "-c", "timezone=Pacific/Kiritimati") // UTC+14
	dsn := servers.PostgresURL(server, "postgres")
	t.Run("All", func(t *testing.T) {
		db := e.open(t, dsn)
		_, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+quoted(`"`, awkward))
		require.NoError(t, err)
		e.roundTrip(t, e.open(t, dsn+"&default_query_exec_mode=exec&default_transaction_isolation=serializable"),
			sessionsql.Options{Schema: awkward, Table: awkward})
	})
	for name, params := range map[string]string{
		"exec":             "default_query_exec_mode=exec",
		"simple_protocol":  "default_query_exec_mode=simple_protocol",
		"cache_describe":   "default_query_exec_mode=cache_describe",
		"describe_exec":    "default_query_exec_mode=describe_exec",
		"repeatable read":  "default_transaction_isolation=repeatable%20read",
		"serializable":     "default_transaction_isolation=serializable",
		"time zone":        "timezone=America/Anchorage",
		"application name": "application_name=" + strings.Repeat("x", 100),
	} {
		t.Run(name, func(t *testing.T) { e.roundTrip(t, e.open(t, dsn+"&"+params), sessionsql.Options{Table: awkward}) })
	}
}

func (e engine) testMySQLSettings(t *testing.T, dsn string) {
	t.Run("All", func(t *testing.T) {
		schema := awkward + fmt.Sprint(databases.Add(1)) // as the server may be shared
		db := e.open(t, dsn)
		must(t, db, "CREATE DATABASE "+quoted("`", schema))
		t.Cleanup(func() {
			_, err := db.ExecContext(context.Background(), "DROP DATABASE "+quoted("`", schema))
			assert.NoError(t, err)
		})
		e.roundTrip(t, e.open(t, with(e.isolation(dsn, "SERIALIZABLE"), "parseTime=true&loc=Pacific%2FKiritimati&clientFoundRows=true"+
			"&interpolateParams=true&sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'&time_zone='-12:00'")),
			sessionsql.Options{Schema: schema, Table: awkward})
	})
	settings := map[string]string{
		"parseTime":            with(dsn, "parseTime=true&loc=Pacific%2FKiritimati"),
		"clientFoundRows":      with(dsn, "clientFoundRows=true"),
		"interpolateParams":    with(dsn, "interpolateParams=true"),
		"latin1":               with(dsn, "interpolateParams=true&charset=latin1"),
		"NO_BACKSLASH_ESCAPES": with(dsn, "interpolateParams=true&sql_mode='NO_BACKSLASH_ESCAPES'"),
		"ANSI_QUOTES":          with(dsn, "sql_mode='ANSI_QUOTES'"),
		"lax":                  with(dsn, "sql_mode=''"),
		"SERIALIZABLE":         e.isolation(dsn, "SERIALIZABLE"),
		"READ-COMMITTED":       e.isolation(dsn, "READ-COMMITTED"),
		"READ-UNCOMMITTED":     e.isolation(dsn, "READ-UNCOMMITTED"),
		"time zone":            with(dsn, "time_zone='-12:00'"),
	}
	if e.name == mariaDB.name {
		settings["Oracle"] = with(dsn, "sql_mode='ORACLE'")
	}
	for name, dsn := range settings {
		t.Run(name, func(t *testing.T) { e.roundTrip(t, e.open(t, dsn), sessionsql.Options{Table: awkward}) })
	}
	t.Run("no database", func(t *testing.T) {
		config, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		schema := config.DBName
		config.DBName = ""
		e.roundTrip(t, e.open(t, config.FormatDSN()), sessionsql.Options{Schema: schema})
	})
}

func testSQLiteSettings(t *testing.T) {
	for _, e := range sqlites {
		t.Run(e.name, func(t *testing.T) {
			t.Run("attached", func(t *testing.T) {
				e.roundTrip(t, e.attached(t, e.start(t), awkward, file(t)), sessionsql.Options{Schema: awkward, Table: awkward})
			})
			t.Run("no parameters", func(t *testing.T) {
				e.roundTrip(t, e.open(t, "file:"+file(t)), sessionsql.Options{})
			})
			t.Run("plain name", func(t *testing.T) {
				e.roundTrip(t, e.open(t, file(t)), sessionsql.Options{Schema: "MAIN"})
			})
			t.Run("immediate", func(t *testing.T) {
				e.roundTrip(t, e.open(t, e.start(t)+"&_txlock=immediate&_loc=Pacific%2FKiritimati"), sessionsql.Options{Table: awkward})
			})
			t.Run("in memory", func(t *testing.T) {
				db := e.open(t, ":memory:")
				db.SetMaxOpenConns(1)
				e.roundTrip(t, db, sessionsql.Options{})
			})
		})
	}
}

func quoted(mark, name string) string {
	return mark + strings.ReplaceAll(name, mark, mark+mark) + mark
}

// roundTrip calls all methods for all outcomes, and looks at what is kept.
func (e engine) roundTrip(t *testing.T, db *sql.DB, opts sessionsql.Options) {
	opts.Table = fmt.Sprint(cmp.Or(opts.Table, "sessions"), tables.Add(1))
	for range 2 { // the second time there is nothing to be done
		require.NoError(t, sessionsql.New(db, e.dialect, &opts).Migrate(t.Context()))
	}
	s := sessionsql.New(db, e.dialect, &opts)

	r := record("Ünï 日本 \\'s\" %_?$1")
	for i := range 256 {
		r.Data = append(r.Data, byte(i))
	}
	create(t, s, r)
	requireHolds(t, s, r, "after Create")
	r.Data = []byte{0}
	r.ExpiresAt = r.ExpiresAt.Add(-time.Minute)
	require.NoError(t, s.Update(t.Context(), r))
	r.Version++
	requireHolds(t, s, r, "after Update")
	r.ExpiresAt = r.ExpiresAt.Add(300 * 24 * time.Hour)
	require.NoError(t, s.Touch(t.Context(), r.ID, r.ExpiresAt))
	requireHolds(t, s, r, "after Touch")
	older := r
	older.ID, older.Version = session.ID{1, 0, '\'', '\\', 255}, 1<<63-1
	create(t, s, older)
	records, err := s.List(t.Context(), r.Subject)
	require.NoError(t, err)
	assert.Equal(t, []session.Record{r, older}, records)
	n, err := s.DeleteAll(t.Context(), r.Subject, older.ID)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	requireAbsent(t, s, r.ID, "after DeleteAll")
	requireHolds(t, s, older, "which was spared")

	for _, st := range sent {
		require.NoError(t, st.prepare(t, s)(), st.name)
	}
	n, err = s.Sweep(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n, "as what sent has done swept all")
	requireCounts(t, s)

	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	for _, st := range sent {
		require.NoError(t, st.prepare(t, s.In(tx))(), st.name+" in a transaction")
	}
	require.NoError(t, tx.Commit())
}

// requireCounts has several goroutines count in one session, and wants none of
// the increments to be lost.
func requireCounts(t *testing.T, s session.Store) {
	t.Helper()
	const counters, each = 4, 5
	r := record("")
	r.Data = []byte{0}
	create(t, s, r)
	var all sync.WaitGroup
	for range counters {
		all.Go(func() {
			for n := 0; n < each; {
				got, err := s.Load(stress.Within(t), r.ID)
				if err == nil {
					got.Data = []byte{got.Data[0] + 1}
					err = s.Update(stress.Within(t), got)
				}
				switch {
				case err == nil:
					n++
				case !errors.Is(err, session.ErrConflict):
					assert.NoError(t, err)
					return
				}
			}
		})
	}
	all.Wait()
	r.Data[0], r.Version = counters*each, r.Version+counters*each
	requireHolds(t, s, r, "after all have counted")
}

// An attaching connector attaches a database to each connection, which is how long
// SQLite knows of it.
type attaching struct {
	driver.Connector
	statement string
}

func (a attaching) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := a.Connector.Connect(ctx)
	if err == nil {
		_, err = c.(driver.ExecerContext).ExecContext(ctx, a.statement, nil)
	}
	return c, err
}

// attached opens a database to which a file is attached.
func (e engine) attached(t *testing.T, dsn, schema, file string) *sql.DB {
	t.Helper()
	plain := e.open(t, dsn)
	connector, err := connectorOf(plain.Driver(), dsn)
	require.NoError(t, err)
	db := sql.OpenDB(attaching{connector, "ATTACH DATABASE " + quoted("'", file) + " AS " + quoted(`"`, schema)})
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}
