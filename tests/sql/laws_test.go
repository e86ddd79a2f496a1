package sql_test

import (
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
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
			e.hold(t, e.start(t), sessionsql.Options{}, sessionsql.New(e.open(t, e.nowhere(t)), e.dialect, nil))
		})
	}
}

// hold holds the store to its contract on a database, and one whose database is
// down to the law about that.
func (e engine) hold(t *testing.T, dsn string, opts sessionsql.Options, down session.Store) {
	db := e.open(t, dsn)
	storetest.Run(t,
		func(t *testing.T) session.Store { return e.migrated(t, db, opts) },
		storetest.Down(func(*testing.T) session.Store { return down }))
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// frozen is a store that was in use when its server froze.
func (e engine) frozen(t *testing.T) session.Store {
	t.Helper()
	var server *servers.Server
	var dsn string
	if e.dialect == sessionsql.Postgres {
		server = servers.Postgres(t)
		dsn = servers.PostgresURL(server, "postgres")
	} else {
		server = servers.MariaDB(t)
		dsn = servers.MariaDBDSN(server, "test")
	}
	s := e.migrated(t, e.open(t, dsn), sessionsql.Options{})
	create(t, s, record("alice"))
	require.NoError(t, server.SignalAll(syscall.SIGSTOP))
	t.Cleanup(func() { assert.NoError(t, server.SignalAll(syscall.SIGCONT)) })
	return s
}
