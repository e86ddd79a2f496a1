package sessionsql

import (
	"fmt"
	"strings"
)

// A Dialect is the SQL that a database speaks. There is no default.
type Dialect int

// The dialects.
const (
	Postgres Dialect = iota + 1 // PostgreSQL 12 or later
	MySQL                       // MySQL 8.0 or later, MariaDB 10.6 or later
	SQLite                      // SQLite 3.37 or later
)

// String returns the name of the dialect, such as "Postgres".
func (d Dialect) String() string {
	switch d {
	case Postgres:
		return "Postgres"
	case MySQL:
		return "MySQL"
	case SQLite:
		return "SQLite"
	}
	return fmt.Sprintf("Dialect(%d)", int(d))
}

// quote makes an identifier of a schema and a name. It leaves out what is
// empty.
func (d Dialect) quote(names ...string) string {
	mark := `"`
	if d == MySQL {
		mark = "`"
	}
	var quoted []string
	for _, name := range names {
		if name != "" {
			quoted = append(quoted, mark+strings.ReplaceAll(name, mark, mark+mark)+mark)
		}
	}
	return strings.Join(quoted, ".")
}
