package sql_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/servers"
)

// TestFullDisk has files of PostgreSQL grow no more, as when the disk is full. Its
// log of what is to be done may, without which it would end.
func TestFullDisk(t *testing.T) {
	s := onPostgres.serve(t, onPostgres.hasty...)
	db := onPostgres.pool(t, onPostgres.dsn(s, onPostgres.database), 1)
	var pid int // of the process that writes for this connection
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid))
	shortage{
		onPostgres.engine, db, "File too large",
		func() { limitFiles(t, s, pid, fmt.Sprint(17<<20)) },
		func() { limitFiles(t, s, pid, "unlimited") },
	}.test(t)
}

func limitFiles(t testing.TB, s *servers.Server, pid int, bytes string) {
	t.Helper()
	cmd, err := s.Command(t.Context(), "prlimit", "--pid", fmt.Sprint(pid), "--fsize="+bytes+":") // not the limit of the limit
	require.NoError(t, err)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}
