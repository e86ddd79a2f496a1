package sql_test

import (
	"database/sql"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
)

// stored creates sessions of these subjects, in a table of the default name.
func stored(t *testing.T, db *sql.DB, dialect sessionsql.Dialect, subjects ...string) *sessionsql.Store {
	t.Helper()
	store := sessionsql.New(db, dialect, nil)
	require.NoError(t, store.Migrate(t.Context()))
	for _, subject := range subjects {
		r := session.Record{ID: session.NewID(), Version: 1, Subject: subject, ExpiresAt: time.Now().Add(time.Hour), Data: []byte("x")}
		require.NoError(t, store.Create(t.Context(), r))
	}
	return store
}

// TestByHand runs the statements of docs/operating.md for an administrator.
func TestByHand(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	for kind, e := range map[string]engine{"sql": postgreSQL, "mysql": mariaDB} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			_, after, found := strings.Cut(string(doc), "```"+kind+"\n")
			require.True(t, found, "docs/operating.md has no such block")
			block, _, _ := strings.Cut(after, "```")
			statements := strings.Split(strings.TrimSpace(block), "\n")
			require.Len(t, statements, 4)

			db := e.open(t, e.start(t))
			store := stored(t, db, e.dialect, "42", "42", "42", "43", "", "")
			shown := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
			require.Regexp(t, shown, statements[1])

			var ids []string
			rows, err := db.QueryContext(t.Context(), statements[0])
			require.NoError(t, err)
			for rows.Next() {
				var id string
				require.NoError(t, rows.Scan(&id, new(any)))
				ids = append(ids, id)
			}
			require.NoError(t, rows.Close())
			require.Len(t, ids, 3)

			deleted := func(statement string) int64 {
				result, err := db.ExecContext(t.Context(), statement)
				require.NoError(t, err, statement)
				n, err := result.RowsAffected()
				require.NoError(t, err)
				return n
			}
			assert.EqualValues(t, 1, deleted(shown.ReplaceAllString(statements[1], ids[0])))
			assert.EqualValues(t, 2, deleted(statements[2]))
			left, err := store.List(t.Context(), "42")
			require.NoError(t, err)
			assert.Empty(t, left)

			var users, all int
			require.NoError(t, db.QueryRowContext(t.Context(), statements[3]).Scan(&users, &all))
			assert.Equal(t, []int{1, 3}, []int{users, all}, "logged in, and all")
		})
	}
}

// TestBackup: a dump without the data of the sessions brings nobody back, and the store
// works on what it restores.
func TestBackup(t *testing.T) {
	t.Parallel()
	server := servers.Postgres(t)
	open := func(database string) *sql.DB { return postgreSQL.open(t, servers.PostgresURL(server, database)) }
	db := open("postgres")
	stored(t, db, sessionsql.Postgres, "42")
	must(t, db, "CREATE DATABASE restored")

	url := func(database string) string { return servers.PostgresURL(server, database) }
	dump, err := server.Command(t.Context(), "pg_dump", "--exclude-table-data=sessions", url("postgres"))
	require.NoError(t, err)
	text, err := dump.Output()
	require.NoError(t, err)
	load, err := server.Command(t.Context(), "psql", "-v", "ON_ERROR_STOP=1", url("restored"))
	require.NoError(t, err)
	load.Stdin = strings.NewReader(string(text))
	out, err := load.CombinedOutput()
	require.NoError(t, err, string(out))

	store := stored(t, open("restored"), sessionsql.Postgres)
	left, err := store.List(t.Context(), "42")
	require.NoError(t, err)
	assert.Empty(t, left)
	stored(t, open("restored"), sessionsql.Postgres, "42")
}
