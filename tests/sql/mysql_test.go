package sql_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionsql "github.com/gostateful/session/sql"
)

// mySQLVar names the environment variable that has the tests run on a MySQL too, which
// Debian has no program of: they cannot start one, so none of them kills it. It
// holds a DSN of go-sql-driver for a user who may do everything, without a database:
//
//	SESSION_TEST_MYSQL='root:secret@tcp(localhost:3306)/' go test ./tests/sql
//
// Each test makes databases of its own, and removes them.
const mySQLVar = "SESSION_TEST_MYSQL"

// mySQLs is the MySQL that is given, or nothing.
var mySQLs = givenMySQL()

func givenMySQL() []engine {
	if os.Getenv(mySQLVar) == "" {
		return nil
	}
	return []engine{{"MySQL, go-sql-driver", sessionsql.MySQL, "mysql", startMySQL}}
}

var databases atomic.Int64

// startMySQL makes a database on the MySQL that is given.
func startMySQL(t testing.TB) (dsn string) {
	t.Helper()
	config, err := mysql.ParseDSN(os.Getenv(mySQLVar))
	require.NoError(t, err, mySQLVar)
	require.Empty(t, config.DBName, "%s names a database, and the tests make their own", mySQLVar)
	connector, err := mysql.NewConnector(config)
	require.NoError(t, err)
	admin := sql.OpenDB(connector)
	ctx := context.Background() // also when the test has ended
	var version string
	require.NoError(t, admin.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version))
	require.NotContains(t, version, "MariaDB", "%s is of a MariaDB, which the tests start by themselves", mySQLVar)
	config.DBName = fmt.Sprintf("session_test_%d_%d", os.Getpid(), databases.Add(1))
	_, err = admin.ExecContext(ctx, "CREATE DATABASE "+config.DBName)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.ExecContext(ctx, "DROP DATABASE "+config.DBName)
		assert.NoError(t, err)
		assert.NoError(t, admin.Close())
	})
	return config.FormatDSN()
}

// with adds parameters to a DSN of go-sql-driver.
func with(dsn, params string) string {
	if strings.Contains(dsn, "?") {
		return dsn + "&" + params
	}
	return dsn + "?" + params
}

// isolation sets the isolation level of the connections of a DSN.
func (e engine) isolation(dsn, level string) string {
	name := "transaction_isolation" // MariaDB knows it since 11.1, and MySQL the other no more
	if e.name == mariaDB.name {
		name = "tx_isolation"
	}
	return with(dsn, name+"='"+level+"'")
}
