package sessionsql

import (
	"cmp"
	"errors"
	"strings"
	"sync/atomic"
)

// A table is one table in one dialect.
type table struct {
	dialect Dialect
	schema  string // may be empty
	name    string
	quoted  string // with the schema

	statements
	unfit error       // why it cannot be used
	found atomic.Bool // it is there, in the version that is known here
}

func newTable(dialect Dialect, schema, name string) *table {
	t := &table{dialect: dialect, schema: schema, name: cmp.Or(name, "sessions")}
	if dialect == SQLite {
		t.schema = cmp.Or(schema, "main")
	}
	switch {
	case dialect < Postgres || dialect > SQLite:
		t.unfit = errors.New("New takes one of the dialects Postgres, MySQL and SQLite")
	case len(t.name) > 48 || strings.Contains(t.name, "\x00"):
		// PostgreSQL cuts off what is longer than 63 bytes, and the names of the
		// indexes are longer.
		t.unfit = errors.New("Options.Table has at most 48 bytes, and no NUL")
	case len(t.schema) > 63 || strings.Contains(t.schema, "\x00"):
		t.unfit = errors.New("Options.Schema has at most 63 bytes, and no NUL")
	}
	t.quoted = dialect.quote(t.schema, t.name)
	t.statements = t.newStatements()
	return t
}
