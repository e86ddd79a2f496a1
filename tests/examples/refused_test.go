package examples

import (
	"context"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gostateful/session/tests/support/servers"
)

// TestRefused: what a database refuses ends the example at the start, which
// says why and shows no password.
func TestRefused(t *testing.T) {
	binary := build(t)
	postgres, mariaDB := servers.Postgres(t).Addr(), servers.MariaDB(t).Addr()
	for _, test := range []struct {
		name, store, shown, want string
	}{
		{
			"PostgreSQL: no such database", "postgres://postgres:secret@" + postgres + "/shop",
			"postgres://postgres:xxxxx@" + postgres + "/shop", `database "shop" does not exist`,
		},
		{
			"PostgreSQL: no such user", "postgres://ann:secret@" + postgres + "/postgres",
			"postgres://ann:xxxxx@" + postgres + "/postgres", `role "ann" does not exist`,
		},
		{
			"PostgreSQL: no such parameter", "postgres://" + postgres + "/postgres?user=postgres&password=secret&colour=red",
			"postgres://" + postgres + "/postgres", `unrecognized configuration parameter "colour"`,
		},
		{
			"MySQL: no such database", "mysql://root@" + mariaDB + "/shop",
			"mysql://root@" + mariaDB + "/shop", "Unknown database 'shop'",
		},
		{
			"MySQL: no database", "mysql://root@" + mariaDB,
			"mysql://root@" + mariaDB, "No database selected",
		},
		{
			"MySQL: a wrong password", "mysql://root:secret@" + mariaDB + "/test",
			"mysql://root:xxxxx@" + mariaDB + "/test", "Access denied for user 'root'",
		},
		{
			"MySQL: no such parameter", "mysql://root@" + mariaDB + "/test?colour=red",
			"mysql://root@" + mariaDB + "/test", "Unknown system variable 'colour'",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			said, err := exec.CommandContext(ctx, binary, "-addr", "127.0.0.1:0", "-store", test.store).CombinedOutput()
			assert.EqualError(t, err, "exit status 1")
			assert.Contains(t, string(said), "cannot use -store "+test.shown+": ")
			assert.Contains(t, string(said), test.want)
			assert.NotContains(t, string(said), "secret")
		})
	}
}
