package sessionsql

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// A table is one table in one dialect.
type table struct {
	dialect Dialect
	schema  string // may be empty
	name    string
	quoted  string // with the schema

	statements
	unfit error       // why the table cannot be used
	found atomic.Bool // the table exists, in the version that this program knows
}

func newTable(dialect Dialect, schema, name string) *table {
	t := &table{dialect: dialect, schema: schema, name: cmp.Or(name, "sessions")}
	if dialect == SQLite {
		t.schema = cmp.Or(schema, "main")
	}
	// PostgreSQL cuts off what is longer than 63 bytes, and the names of the
	// indexes are longer than that of the table.
	t.unfit = cmp.Or(dialect.check(), dialect.checkName("Options.Table", t.name, 48), dialect.checkName("Options.Schema", t.schema, 63), t.checkPlace())
	t.quoted = dialect.quote(t.schema, t.name)
	t.statements = t.newStatements()
	return t
}

func (d Dialect) check() error {
	if d < Postgres || d > SQLite {
		return errors.New("New takes one of the dialects Postgres, MySQL and SQLite")
	}
	return nil
}

// checkName refuses a name that a database does not accept even if it is
// quoted, or takes for another name.
func (d Dialect) checkName(option, name string, most int) error {
	switch {
	case len(name) > most || strings.Contains(name, "\x00") || !utf8.ValidString(name):
		return fmt.Errorf("%s has at most %d bytes of UTF-8, and no NUL: choose another name than %q", option, most, name)
	case d != MySQL:
		return nil
	case strings.TrimRight(name, " \t\n\v\f\r") != name:
		return fmt.Errorf("%s is %q, and in MySQL and MariaDB no name ends with a space or a line break: choose another", option, name)
	case strings.HasPrefix(name, "#mysql50#"):
		return fmt.Errorf("%s is %q, and MySQL and MariaDB keep the names that begin with #mysql50# for themselves: choose another", option, name)
	case strings.ContainsFunc(name, func(r rune) bool { return r > 0xffff }):
		return fmt.Errorf("%s is %q, and in MySQL and MariaDB no name has characters beyond U+FFFF, such as emoji: choose another", option, name)
	}
	return nil
}

// checkPlace refuses names that a database reserves, and schemas that only one
// connection sees.
func (t *table) checkPlace() error {
	schema := strings.ToLower(t.schema)
	switch {
	case t.dialect == SQLite && strings.HasPrefix(strings.ToLower(t.name), "sqlite_"):
		return fmt.Errorf("Options.Table is %q, and SQLite keeps the names that begin with sqlite_ for itself: choose another", t.name)
	case t.dialect == SQLite && schema == "temp", t.dialect == Postgres && strings.HasPrefix(t.schema, "pg_temp"):
		return fmt.Errorf("Options.Schema is %q, in which each connection has tables of its own: choose another schema", t.schema)
	}
	return nil
}
