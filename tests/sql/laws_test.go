package sql_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
)

// TestStore holds the store to its contract, as the README recommends to set up
// each database.
func TestStore(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel() // much of it waits for something to expire
			db, down := e.open(t, e.start(t)), sessionsql.New(e.open(t, e.nowhere(t)), e.dialect, nil)
			storetest.Run(t,
				func(t *testing.T) session.Store { return e.migrated(t, db, sessionsql.Options{}) },
				storetest.Down(func(*testing.T) session.Store { return down }))
		})
	}
}

// nowhere is the DSN of a database that is not there.
func (e engine) nowhere(t *testing.T) string {
	t.Helper()
	switch e.dialect {
	case sessionsql.Postgres:
		return fmt.Sprintf("postgres://postgres@%s/postgres", freeAddr(t))
	case sessionsql.MySQL:
		return fmt.Sprintf("root@tcp(%s)/test", freeAddr(t))
	}
	return "file:" + filepath.Join(t.TempDir(), "missing", "sessions.db")
}

// freeAddr is where nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := servers.FreePort()
	require.NoError(t, err)
	return fmt.Sprint("127.0.0.1:", port)
}
