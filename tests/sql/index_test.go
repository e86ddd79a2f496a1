package sql_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// TestIndexes asks each database what it does to execute a call.
func TestIndexes(t *testing.T) {
	for _, e := range engines {
		if e.name == sqlites[1].name {
			continue // the same library
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			dsn := e.start(t)
			t.Run("Used", func(t *testing.T) { e.testIndexesUsed(t, dsn) })
			if e.dialect == sessionsql.Postgres {
				t.Run("HOT", func(t *testing.T) { e.testHOT(t, e.open(t, dsn)) })
			}
		})
	}
}

// testIndexesUsed has what is sent for a large table explained.
func (e engine) testIndexesUsed(t *testing.T, dsn string) {
	db, spy := e.spied(t, dsn)
	db.SetMaxOpenConns(1)
	rows := 5000
	if e.dialect == sessionsql.MySQL {
		rows = 20_000 // of fewer it reads and sorts all
	}
	s, table := e.sweepable(t, db, rows)
	tx := begin(t, db)
	for i := range 1000 {
		create(t, s.In(tx), record(fmt.Sprint("user", i/5)))
	}
	require.NoError(t, tx.Commit())
	key, hour, subject := table+"_pkey", table+"_expires_hour", table+"_subject"
	analyze := "ANALYZE " + table
	sweep, all := []string{hour}, []string{subject}
	switch e.dialect {
	case sessionsql.MySQL:
		key, hour, subject = "PRIMARY", "expires_at", "subject"
		analyze = "ANALYZE TABLE " + table
		sweep, all = []string{hour, key}, []string{subject, subject}
	case sessionsql.SQLite:
		key = "sqlite_autoindex_" + table + "_1"
		sweep = []string{hour, ""} // reads all of a table that is not much larger than a batch
	}
	_, err := db.ExecContext(t.Context(), analyze)
	require.NoError(t, err)

	for name, want := range map[string][]string{
		"Load": {key}, "Update": {key}, "Update that keeps the expiry": {key}, "Update over another version": {key, key}, "Touch": {key}, "Delete": {key},
		"List": {subject}, "DeleteAll": all, "DeleteAll but one": all, "DeleteAll but three": all,
		"Sweep": sweep,
	} {
		st := sent[indexOf(t, name)]
		call := st.prepare(t, s)
		spy.take()
		require.NoError(t, call())
		ran := spy.ran
		require.Len(t, ran, len(want), name)
		for i, x := range ran {
			for _, plan := range e.explain(t, db, x) {
				assert.Contains(t, plan, want[i], "%s: %s", name, x.text)
				assert.NotContains(t, plan, "Seq Scan", "%s: %s", name, x.text)
			}
		}
	}
	spy.take()
	require.NoError(t, goThrough(t.Context(), s))
	for _, plan := range e.explain(t, db, spy.ran[0]) { // its first page
		assert.Contains(t, plan, key, "All")
		assert.NotContains(t, plan, "Seq Scan", "All")
		assert.NotContains(t, plan, "Sort", "All")
	}
}

func indexOf(t *testing.T, name string) int {
	t.Helper()
	for i, st := range sent {
		if st.name == name {
			return i
		}
	}
	t.Fatalf("no call is named %q", name)
	return 0
}

// explain returns the plans that the database may choose.
func (e engine) explain(t *testing.T, db *sql.DB, x execution) (plans []string) {
	t.Helper()
	switch e.dialect {
	case sessionsql.MySQL:
		return []string{plan(t, db, "key", "EXPLAIN "+x.text, x.args...)}
	case sessionsql.SQLite:
		return []string{plan(t, db, "detail", "EXPLAIN QUERY PLAN "+x.text, x.args...)}
	}
	for _, text := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE explained AS " + x.text} {
		_, err := db.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	anything := strings.TrimSuffix(strings.Repeat("NULL, ", len(x.args)), ", ")
	generic := plan(t, db, "QUERY PLAN", "EXPLAIN EXECUTE explained("+anything+")")
	_, err := db.ExecContext(t.Context(), "DEALLOCATE explained")
	require.NoError(t, err)
	return []string{generic, plan(t, db, "QUERY PLAN", "EXPLAIN "+x.text, x.args...)}
}

// plan returns what a query shows in a column, a line each.
func plan(t *testing.T, db *sql.DB, column, text string, args ...any) string {
	t.Helper()
	rows, err := db.QueryContext(context.WithoutCancel(t.Context()), text, args...)
	require.NoError(t, err, text)
	defer rows.Close()
	names, err := rows.Columns()
	require.NoError(t, err)
	var lines []string
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		for i, name := range names {
			if name == column {
				lines = append(lines, values[i].String)
			}
		}
	}
	require.NoError(t, rows.Err())
	return strings.Join(lines, "\n")
}

// testHOT uses sessions as requests do, and wants PostgreSQL to write to no index.
func (e engine) testHOT(t *testing.T, db *sql.DB) {
	s, table, _ := e.named(db, "hot")
	require.NoError(t, s.Migrate(t.Context()))
	const sessions, each = 20, 20
	var all []session.Record
	// In one hour, whenever the test runs.
	hour := time.Now().UTC().Truncate(time.Hour).Add(5 * time.Hour)
	for range sessions {
		r := record("alice")
		r.ExpiresAt, r.Data = hour, make([]byte, 500)
		all = append(all, create(t, s, r))
	}
	for i := range each {
		for j := range all {
			r := &all[j]
			r.ExpiresAt = r.ExpiresAt.Add(time.Minute)
			require.NoError(t, s.Touch(t.Context(), r.ID, r.ExpiresAt))
			r.Data = bytes.Clone(r.Data)
			r.Data[i]++
			r.ExpiresAt = r.ExpiresAt.Add(time.Second)
			require.NoError(t, s.Update(t.Context(), *r))
			r.Version++
			kept := *r
			kept.ExpiresAt = time.Time{}
			require.NoError(t, s.Update(t.Context(), kept))
			r.Version++
		}
	}
	var updates, hot int
	require.Eventually(t, func() bool { // the numbers come late
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1", table).
			Scan(&updates, &hot))
		return updates == 3*sessions*each
	}, stress.Patience, 100*time.Millisecond, "updates that PostgreSQL has counted")
	t.Logf("of %d updates, %d touched no index", updates, hot)
	assert.Greater(t, hot, updates*8/10, "of %d updates, those that touched no index", updates)
}
