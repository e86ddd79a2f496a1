package sql_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
)

// TestPublishedFiles applies the files by the tools that come with each database, and
// has a user without any other right use the table.
func TestPublishedFiles(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := servers.Postgres(t)
		dsn := servers.PostgresURL(server, "postgres")
		pipe(t, server, published(t, "postgres"), "psql", "-v", "ON_ERROR_STOP=1", dsn)
		postgreSQL.testPublished(t, dsn, strings.Replace(dsn, "postgres@", "app@", 1),
			"CREATE ROLE app LOGIN", "GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO app")
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		server := servers.MariaDB(t)
		dsn := servers.MariaDBDSN(server, "test")
		pipe(t, server, published(t, "mysql"), "mariadb", "--no-defaults", "-h127.0.0.1", "-P"+strconv.Itoa(server.Port), "-uroot", "test")
		mariaDB.testPublished(t, dsn, strings.Replace(dsn, "root@", "app@", 1),
			"CREATE USER app@127.0.0.1", "GRANT SELECT, INSERT, UPDATE, DELETE ON test.sessions TO app@127.0.0.1")
	})
	for _, e := range mySQLs { // without a tool, as that may not be here
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			dsn := e.start(t)
			config, err := mysql.ParseDSN(dsn)
			require.NoError(t, err)
			app := "app" + config.DBName
			owner := e.open(t, dsn)
			must(t, owner, published(t, "mysql"), "CREATE USER "+app+" IDENTIFIED BY 'secret'")
			t.Cleanup(func() {
				_, err := owner.ExecContext(context.Background(), "DROP USER "+app)
				assert.NoError(t, err)
			})
			config.User, config.Passwd = app, "secret"
			e.testPublished(t, dsn, config.FormatDSN(), "GRANT SELECT, INSERT, UPDATE, DELETE ON "+config.DBName+".sessions TO "+app)
		})
	}
	for _, e := range sqlites {
		t.Run(e.name, func(t *testing.T) {
			dsn := e.start(t)
			e.testPublished(t, dsn, dsn, published(t, "sqlite"))
		})
	}
}

func published(t *testing.T, dialect string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(gotool.Root(t), "sql", "schema", dialect, "1.sql"))
	require.NoError(t, err)
	return string(text)
}

// pipe runs a command that reads the text.
func pipe(t *testing.T, server *servers.Server, text string, words ...string) {
	t.Helper()
	cmd, err := server.Command(t.Context(), words[0], words[1:]...)
	require.NoError(t, err)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", words[0], out)
}

// testPublished uses a table that the published file has made.
func (e engine) testPublished(t *testing.T, dsn, appDSN string, statements ...string) {
	owner, app := e.open(t, dsn), e.open(t, appDSN)
	for _, text := range statements {
		_, err := owner.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	s := sessionsql.New(app, e.dialect, nil)
	for _, st := range sent {
		require.NoError(t, st.prepare(t, s)(), st.name)
	}
	require.NoError(t, s.Migrate(t.Context()), "Migrate has nothing to do")
	if dsn != appDSN {
		err := sessionsql.New(app, e.dialect, &sessionsql.Options{Table: "other"}).Migrate(t.Context())
		assert.ErrorContains(t, err, "denied")
	}
}
