package sql_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// TestPing: what was forgotten is found when the program starts, with a text that
// says what to do.
func TestPing(t *testing.T) {
	ping := func(t *testing.T, s session.Store) error {
		t.Helper()
		m, err := session.New[stress.Visits](s, nil)
		require.NoError(t, err)
		err = m.Ping(context.Background())
		if err != nil {
			require.ErrorIs(t, err, session.ErrUnavailable)
			assert.ErrorContains(t, err, "sessionsql: ")
		}
		return err
	}
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			dsn := e.start(t)
			db := e.open(t, dsn)
			s, _, quotedName := e.named(db, "pinged")
			err := ping(t, s)
			assert.ErrorContains(t, err, quotedName+": call Migrate once at the start")
			require.NoError(t, s.Migrate(t.Context()))
			require.NoError(t, ping(t, s))

			for _, dialect := range []sessionsql.Dialect{sessionsql.Postgres, sessionsql.MySQL, sessionsql.SQLite} {
				if dialect != e.dialect {
					err := ping(t, sessionsql.New(db, dialect, nil))
					assert.ErrorContains(t, err, " in "+dialect.String()+", the dialect that New was given: ")
				}
			}

			nowhere := ping(t, sessionsql.New(e.open(t, e.nowhere(t)), e.dialect, nil))
			if e.dialect == sessionsql.SQLite {
				assert.ErrorContains(t, nowhere, "unable to open database file")
				assert.ErrorContains(t, nowhere, "(does its folder exist, and may this user write there?)")
				return
			}
			assert.ErrorContains(t, nowhere, "127.0.0.1:")
			assert.ErrorContains(t, nowhere, "connection refused")
			stranger := strings.NewReplacer("postgres@", "nobody:wrong@", "root@", "nobody:wrong@").Replace(dsn)
			assert.ErrorContains(t, ping(t, sessionsql.New(e.open(t, stranger), e.dialect, nil)), "nobody")
		})
	}
}
