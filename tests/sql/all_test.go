package sql_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

// goThrough returns the error that ends All.
func goThrough(ctx context.Context, s *sessionsql.Store) (err error) {
	for _, err = range s.All(ctx) {
		if err != nil {
			break
		}
	}
	return err
}

// TestAll goes through more than one page, of which most has expired, on the only
// connection that there is, with other calls in between.
func TestAll(t *testing.T) {
	const page, rows = 250, 3*250 - 1
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			db, spy := e.spied(t, e.start(t))
			db.SetMaxOpenConns(1)
			s := e.migrated(t, db, sessionsql.Options{})
			var want []session.Record
			tx := begin(t, db)
			for i := range rows {
				r := create(t, s.In(tx), record(fmt.Sprint("user", i)))
				if i < 20 || i > rows-20 {
					want = append(want, r)
				}
			}
			require.NoError(t, tx.Commit())
			for _, r := range requireAll(t, s, nil) {
				if !slices.ContainsFunc(want, func(w session.Record) bool { return w.ID == r.ID }) {
					r.ExpiresAt = in(-time.Second)
					require.NoError(t, s.Update(t.Context(), r))
				}
			}

			spy.take()
			got := requireAll(t, s, nil)
			slices.SortFunc(want, func(a, b session.Record) int { return strings.Compare(a.ID.String(), b.ID.String()) })
			assert.Equal(t, want, got, "each once, in the order of the IDs")
			selects := slices.DeleteFunc(spy.take(), func(what string) bool { return what != "run SELECT" })
			assert.Len(t, selects, rows/page+1, "pages of %d rows", page)

			requireAll(t, s, func(r session.Record) {
				require.NoError(t, s.Touch(t.Context(), r.ID, in(2*time.Hour)))
				require.NoError(t, s.Delete(t.Context(), r.ID))
			})
			assert.Empty(t, requireAll(t, s, nil))

			tx = begin(t, db)
			created := create(t, s.In(tx), record("alice"))
			assert.Equal(t, []session.Record{created}, requireAll(t, s.In(tx), nil), "in the transaction")
			require.NoError(t, tx.Rollback())
			assert.Empty(t, requireAll(t, s, nil), "after the rollback")
		})
	}
}

// requireAll returns what All shows, and does something with each.
func requireAll(t *testing.T, s *sessionsql.Store, do func(r session.Record)) (all []session.Record) {
	t.Helper()
	for r, err := range s.All(t.Context()) {
		require.NoError(t, err)
		all = append(all, r)
		if do != nil {
			do(r)
		}
	}
	return all
}
