package sql_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// TestOwner looks at the rows: whose they are, and what a logout leaves.
func TestOwner(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			db := e.open(t, e.start(t))
			s, table, _ := e.named(db, "owned") // lastTable may be that of a test beside it
			require.NoError(t, s.Migrate(t.Context()))
			t.Run("Realm", func(t *testing.T) { testRealm(t, s, db, table) })
			t.Run("Logout", func(t *testing.T) { testLogout(t, s, db, table) })
		})
	}
}

// testRealm: a row shows the realm, a separator and the subject.
func testRealm(t *testing.T, s *sessionsql.Store, db *sql.DB, table string) {
	stress.Login(t, s, session.Options{Realm: "admin"}, "álice")
	stress.Login(t, s, session.Options{}, "álice")
	rows, err := db.QueryContext(t.Context(), fmt.Sprintf("SELECT subject FROM %s ORDER BY length(subject) DESC", table))
	require.NoError(t, err)
	defer rows.Close()
	var subjects []string
	for rows.Next() {
		var subject string
		require.NoError(t, rows.Scan(&subject))
		subjects = append(subjects, subject)
	}
	require.NoError(t, rows.Err())
	assert.Equal(t, []string{"admin\x1fálice", "álice"}, subjects)
}

// testLogout: what a logout leaves is a row without a subject, and thus in no index
// of subjects, until it expires and is swept.
func testLogout(t *testing.T, s *sessionsql.Store, db *sql.DB, table string) {
	_, err := db.ExecContext(t.Context(), "DELETE FROM "+table)
	require.NoError(t, err)
	v := stress.NewSite(t, s).Visitor()
	require.True(t, v.Post("/login?as=alice").OK())
	require.True(t, v.Post("/logout").OK())
	var subject sql.NullString
	var expires int64
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT subject, expires_at FROM "+table).Scan(&subject, &expires))
	assert.False(t, subject.Valid, "got the subject %q of what a logout leaves, want NULL", subject.String)
	assert.LessOrEqual(t, expires, time.Now().Add(time.Minute).UnixMilli(), "the straggler's window")

	_, err = db.ExecContext(t.Context(), fmt.Sprintf("UPDATE %s SET expires_at = %d", table, time.Now().UnixMilli()))
	require.NoError(t, err)
	n, err := s.Sweep(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Zero(t, rowsOf(t, db, table), "rows, once it has expired and was swept")
}
