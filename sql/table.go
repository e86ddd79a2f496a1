package sessionsql

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gostateful/session/core"
)

// A table is one table in one dialect.
type table struct {
	dialect Dialect
	schema  string // may be empty
	name    string
	quoted  string // with the schema

	statements
	sparing sync.Map    // of removeAllBut: from how many are spared to its *statement
	unfit   error       // why it cannot be used
	found   atomic.Bool // it is there, in the version that is known here
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

// removeAllBut deletes the sessions of a subject except some. Each number of them
// takes a statement of its own, which stays prepared, so that there are few: the last
// is named again, up to the next power of two.
func (t *table) removeAllBut(except []session.ID) (*statement, []session.ID) {
	n := len(except)
	if n == 0 {
		return t.removeAll, nil
	}
	for n&(n-1) != 0 {
		n++
	}
	except = slices.Concat(except, slices.Repeat(except[len(except)-1:], n-len(except)))
	st, known := t.sparing.Load(n)
	if !known {
		st, _ = t.sparing.LoadOrStore(n, t.expand(removeAllText+" AND id NOT IN ({id}"+strings.Repeat(", {id}", n-1)+")"))
	}
	return st.(*statement), except
}

// createNows is how often the statement that creates takes the time.
func (t *table) createNows() int {
	if t.dialect == MySQL {
		return 4
	}
	return 1
}

// created reads the result of the statement that creates.
func (t *table) created(res sql.Result) error {
	taken := false
	if t.dialect == MySQL {
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		taken = id != 0
	} else {
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		taken = n == 0
	}
	if taken {
		return session.ErrExists
	}
	return nil
}
