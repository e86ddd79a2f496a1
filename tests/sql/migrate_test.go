package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

func TestMigrate(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			dsn := e.start(t)
			db := e.open(t, dsn)
			t.Run("ManyAtOnce", func(t *testing.T) { e.testMigrateAtOnce(t, dsn) })
			t.Run("Missing", func(t *testing.T) { e.testMissing(t, db) })
			t.Run("Foreign", func(t *testing.T) { e.testForeign(t, db) })
			t.Run("Marks", func(t *testing.T) { e.testMarks(t, db) })
			t.Run("Alike", func(t *testing.T) { e.testAlike(t, db) })
		})
	}
}

// named returns a store on a table that is not there yet, and its quoted name.
func (e engine) named(db *sql.DB, name string) (s *sessionsql.Store, table, quotedName string) {
	table = fmt.Sprint(name, tables.Add(1))
	mark := `"`
	if e.dialect == sessionsql.MySQL {
		mark = "`"
	}
	return sessionsql.New(db, e.dialect, &sessionsql.Options{Table: table}), table, quoted(mark, table)
}

// testMigrateAtOnce has many processes start at once.
func (e engine) testMigrateAtOnce(t *testing.T, dsn string) {
	const processes = 20
	var dbs []*sql.DB
	for range processes {
		dbs = append(dbs, e.open(t, dsn))
		require.NoError(t, dbs[len(dbs)-1].PingContext(t.Context()))
	}
	for range 3 {
		_, table, _ := e.named(nil, "started")
		start := make(chan struct{})
		var all sync.WaitGroup
		for _, db := range dbs {
			all.Go(func() {
				s := sessionsql.New(db, e.dialect, &sessionsql.Options{Table: table})
				<-start
				if assert.NoError(t, s.Migrate(t.Context())) {
					assert.NoError(t, s.Create(t.Context(), record("alice")))
				}
			})
		}
		close(start)
		all.Wait()
		s := sessionsql.New(dbs[0], e.dialect, &sessionsql.Options{Table: table})
		require.NoError(t, s.Migrate(t.Context()))
		records, err := s.List(t.Context(), "alice")
		require.NoError(t, err)
		assert.Len(t, records, processes, "sessions that the processes created when they had migrated")
	}
}

// methods are all that need the table.
var methods = map[string]func(ctx context.Context, s *sessionsql.Store) error{
	"Load": func(ctx context.Context, s *sessionsql.Store) error {
		_, err := s.Load(ctx, session.NewID())
		return err
	},
	"Create": func(ctx context.Context, s *sessionsql.Store) error { return s.Create(ctx, record("alice")) },
	"Create, expired": func(ctx context.Context, s *sessionsql.Store) error {
		return s.Create(ctx, session.Record{ID: session.NewID()})
	},
	"Update":    func(ctx context.Context, s *sessionsql.Store) error { return s.Update(ctx, record("alice")) },
	"Touch":     func(ctx context.Context, s *sessionsql.Store) error { return s.Touch(ctx, session.NewID(), in(1)) },
	"Delete":    func(ctx context.Context, s *sessionsql.Store) error { return s.Delete(ctx, session.NewID()) },
	"List":      func(ctx context.Context, s *sessionsql.Store) error { _, err := s.List(ctx, "alice"); return err },
	"DeleteAll": func(ctx context.Context, s *sessionsql.Store) error { _, err := s.DeleteAll(ctx, "alice"); return err },
	"All":       func(ctx context.Context, s *sessionsql.Store) error { return goThrough(ctx, s) },
	"Sweep":     func(ctx context.Context, s *sessionsql.Store) error { _, err := s.Sweep(ctx); return err },
}

// requireRefused wants all methods to fail with a text.
func requireRefused(t *testing.T, s *sessionsql.Store, text string) {
	t.Helper()
	for name, call := range methods {
		err := call(t.Context(), s)
		require.ErrorContains(t, err, text, name)
		require.ErrorContains(t, err, "sessionsql: ", name)
		require.NotErrorIs(t, err, session.ErrNotFound, name)
	}
}

func (e engine) testMissing(t *testing.T, db *sql.DB) {
	s, table, quotedName := e.named(db, "missing")
	if e.dialect == sessionsql.SQLite {
		quotedName = `"main".` + quotedName
	}
	requireRefused(t, s, fmt.Sprintf("there is no table %s: call Migrate once at the start, or apply the files in schema/%s",
		quotedName, strings.ToLower(e.dialect.String())))
	requireRefused(t, s.In(begin(t, db)), "there is no table")
	other := sessionsql.New(db, e.dialect, &sessionsql.Options{Table: table})
	require.NoError(t, other.Migrate(t.Context()))
	create(t, s, record("alice")) // found once it is there

	nowhere := sessionsql.New(db, e.dialect, &sessionsql.Options{Schema: "nowhere"})
	want := "there is no table"
	if e.dialect == sessionsql.SQLite {
		want = "nowhere.sqlite_master"
	}
	requireRefused(t, nowhere, want)
	assert.ErrorContains(t, nowhere.Migrate(t.Context()), "nowhere")
}

// testForeign finds a table of another program's where its own should be.
func (e engine) testForeign(t *testing.T, db *sql.DB) {
	const want = "is another program's, or has lost the mark of its version: see Options.Table, and the end of the file in schema/"
	s, _, quotedName := e.named(db, "foreign")
	_, err := db.ExecContext(t.Context(), "CREATE TABLE "+quotedName+" (n INTEGER)")
	require.NoError(t, err)
	requireRefused(t, s, want)
	assert.ErrorContains(t, s.Migrate(t.Context()), want)

	view, _, quotedView := e.named(db, "view")
	_, err = db.ExecContext(t.Context(), "CREATE VIEW "+quotedView+" AS SELECT * FROM "+quotedName)
	require.NoError(t, err)
	assert.Error(t, view.Delete(t.Context(), session.NewID()))
	assert.Error(t, view.Migrate(t.Context()))
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(n) FROM "+quotedView).Scan(&n), "both are as they were")
}

// testMarks changes the mark of the version.
func (e engine) testMarks(t *testing.T, db *sql.DB) {
	marked := func(mark string) *sessionsql.Store {
		s, _, quotedName := e.named(db, "marked")
		text := "COMMENT ON TABLE %s IS '%s'"
		switch e.dialect {
		case sessionsql.SQLite:
			text = "CREATE TABLE %s (n INTEGER, CONSTRAINT %s CHECK (n > 0))"
		case sessionsql.MySQL:
			text = "ALTER TABLE %s COMMENT = '%s'"
			fallthrough
		default:
			require.NoError(t, s.Migrate(t.Context()))
		}
		_, err := db.ExecContext(t.Context(), fmt.Sprintf(text, quotedName, mark))
		require.NoError(t, err)
		return sessionsql.New(db, e.dialect, &sessionsql.Options{Table: quotedName[1 : len(quotedName)-1]})
	}
	newer := marked("session_sql_schema_70")
	const want = "has version 70 of the schema, and this program knows 1: give it a newer module"
	requireRefused(t, newer, want)
	assert.ErrorContains(t, newer.Migrate(t.Context()), want)

	for _, lost := range []string{"session_sql_schema_", "xsession_sql_schema_1", "session_sql_schema_1x", "session_sql_schema_99999999"} {
		assert.ErrorContains(t, marked(lost).Migrate(t.Context()), "has lost the mark", lost)
	}
	if e.dialect != sessionsql.SQLite {
		kept := marked("our sessions (session_sql_schema_1), ask Alice")
		require.NoError(t, kept.Migrate(t.Context()))
		create(t, kept, record("alice"))
	}
}

// testAlike has tables of other programs whose names the database may take for it.
func (e engine) testAlike(t *testing.T, db *sql.DB) {
	s, table, quotedName := e.named(db, "álike")
	others := []string{strings.ToUpper(table), strings.Replace(table, "á", "a", 1), table + " "}
	switch e.dialect {
	case sessionsql.SQLite:
		others = others[1:] // folds case, of ASCII
	case sessionsql.MySQL:
		others = others[:2] // no name ends so
	}
	for _, other := range others {
		_, err := db.ExecContext(t.Context(), "CREATE TABLE "+strings.Replace(quotedName, table, other, 1)+" (n INTEGER)")
		require.NoError(t, err)
	}
	requireRefused(t, s, "there is no table")
	require.NoError(t, s.Migrate(t.Context()))
	create(t, s, record("alice"))
}

// TestUnfit makes stores that cannot work.
func TestUnfit(t *testing.T) {
	db := sqlites[0].open(t, modernc(file(t)))
	for want, s := range map[string]*sessionsql.Store{
		"New was given no database":           sessionsql.New(nil, sessionsql.Postgres, nil),
		"one of the dialects Postgres, MySQL": sessionsql.New(db, 0, nil),
		"Options.Table has at most 48 bytes":  sessionsql.New(db, sessionsql.SQLite, &sessionsql.Options{Table: strings.Repeat("x", 49)}),
		"48 bytes of UTF-8, and no NUL":       sessionsql.New(db, sessionsql.SQLite, &sessionsql.Options{Table: "a\x00"}),
		"Options.Schema has at most 63 bytes": sessionsql.New(db, sessionsql.SQLite, &sessionsql.Options{Schema: strings.Repeat("x", 64)}),
	} {
		requireRefused(t, s, want)
		assert.ErrorContains(t, s.Migrate(t.Context()), want)
	}
	longest := sessionsql.New(db, sessionsql.SQLite, &sessionsql.Options{Table: strings.Repeat("x", 48)})
	assert.NoError(t, longest.Migrate(t.Context()))
}
