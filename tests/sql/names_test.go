package sql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

// TestNames has the databases take what the store takes, and the store refuse what
// they do not, and say what to do.
func TestNames(t *testing.T) {
	const pg, my, lite = sessionsql.Postgres, sessionsql.MySQL, sessionsql.SQLite
	const space, emoji, reserved, own = "no name ends with a space or a line break: choose another", "such as emoji: choose another",
		"begin with sqlite_ for itself: choose another", "each connection has tables of its own: choose another schema"
	names := []struct {
		name    string
		refused map[sessionsql.Dialect]string
	}{
		{strings.Repeat("x", 48), nil},
		{strings.Repeat(".", 48), nil}, // in the name of a file of MySQL each is five bytes long
		{strings.Repeat("é", 24), nil},
		{strings.Repeat("日", 16), nil},
		{"\uffee", nil},
		{" x", nil},
		{"x\t\x01", nil},
		{"x\t", map[sessionsql.Dialect]string{my: space}},
		{"x\n", map[sessionsql.Dialect]string{my: space}},
		{"x\v", map[sessionsql.Dialect]string{my: space}},
		{"x\f", map[sessionsql.Dialect]string{my: space}},
		{"x\r", map[sessionsql.Dialect]string{my: space}},
		{"x\u00a0", nil},
		{"#mysql50#x", map[sessionsql.Dialect]string{my: "begin with #mysql50# for themselves: choose another"}},
		{"#sql-x", nil},
		{"pg_x", nil},
		{"sqlitex", nil},
		{"select", nil},
		{"1", nil},
		{"x ", map[sessionsql.Dialect]string{my: space}},
		{" ", map[sessionsql.Dialect]string{my: space}},
		{"carts\U0001f6d2", map[sessionsql.Dialect]string{my: emoji}},
		{"sqlite_x", map[sessionsql.Dialect]string{lite: reserved}},
		{"SQLite_x", map[sessionsql.Dialect]string{lite: reserved}},
	}
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			dsn := e.start(t)
			db := e.open(t, dsn)
			for _, n := range names {
				s := sessionsql.New(db, e.dialect, &sessionsql.Options{Table: n.name})
				if text, refused := n.refused[e.dialect]; refused {
					requireRefused(t, s, text)
					assert.ErrorContains(t, s.Migrate(t.Context()), fmt.Sprintf("Options.Table is %q", n.name))
					continue
				}
				require.NoError(t, s.Migrate(t.Context()), "%q", n.name)
				r := create(t, s, record("alice"))
				requireHolds(t, s, r, n.name)
				require.Len(t, requireAll(t, s, nil), 1, "%q: sessions in a table of its own", n.name)
			}
			for schema, dialect := range map[string]sessionsql.Dialect{
				"temp": lite, "TEMP": lite, "pg_temp": pg, "pg_temp_3": pg, "shop ": my, "\U0001f6d2": my,
			} {
				if dialect == e.dialect {
					want := map[sessionsql.Dialect]string{lite: own, pg: own, my: "choose another"}[dialect]
					s := sessionsql.New(db, e.dialect, &sessionsql.Options{Schema: schema})
					requireRefused(t, s, want)
					assert.ErrorContains(t, s.Migrate(t.Context()), fmt.Sprintf("Options.Schema is %q", schema))
				}
			}
			for _, table := range []string{"a\x00", "\xff", strings.Repeat("é", 25)} {
				requireRefused(t, sessionsql.New(db, e.dialect, &sessionsql.Options{Table: table}), "Options.Table has at most 48 bytes of UTF-8, and no NUL")
				requireRefused(t, sessionsql.New(db, e.dialect, &sessionsql.Options{Schema: table + strings.Repeat("x", 20)}), "Options.Schema has at most 63 bytes of UTF-8, and no NUL")
			}
			if e.dialect == my {
				for _, charset := range []string{"latin1", "utf8"} {
					db := e.open(t, with(dsn, "charset="+charset))
					for _, name := range []string{"é", "日本", "\uffee"} {
						s := sessionsql.New(db, e.dialect, &sessionsql.Options{Table: name + charset})
						require.NoError(t, s.Migrate(t.Context()), "%q in %s", name, charset)
						create(t, s, session.Record{ID: session.NewID(), ExpiresAt: in(1e12)})
					}
				}
			}
		})
	}
}
