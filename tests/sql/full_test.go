package sql_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// A shortage is a database in which there is not much room.
type shortage struct {
	engine
	db     *sql.DB
	reason string // that the database gives
	limit  func() // the room
	more   func() // room
}

// TestFull fills a database: nothing is half done, reads go on, and all goes on
// when there is room.
func TestFull(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) shortage{
		"MariaDB, the room of a tablespace": func(t *testing.T) shortage {
			const file = "--innodb-data-file-path=ibdata1:12M:autoextend:max:"
			args := []string{file + "24M", "--innodb-file-per-table=OFF"}
			s := onMariaDB.serve(t, args...)
			return shortage{onMariaDB.engine, onMariaDB.connect(t, s), "is full", func() {}, func() {
				args[0] = file + "100M" // for the next start
				require.NoError(t, s.Stop())
				require.NoError(t, s.Start())
			}}
		},
		"SQLite, modernc, pages": func(t *testing.T) shortage { return fewPages(t, sqlites[0]) },
		"SQLite, mattn, pages":   func(t *testing.T) shortage { return fewPages(t, sqlites[1]) },
	} {
		t.Run(name, func(t *testing.T) { start(t).test(t) })
	}
}

func fewPages(t *testing.T, e engine) shortage {
	db := e.pool(t, e.start(t), 1) // that the pragma is good for
	return shortage{
		e, db, "full",
		func() { must(t, db, "PRAGMA max_page_count = 1000") },
		func() { must(t, db, "PRAGMA max_page_count = 100000") },
	}
}

func (s shortage) test(t *testing.T) {
	store := s.migrated(t, s.db, sessionsql.Options{})
	si := stress.NewSite(t, store)
	ann, alice, bob := si.Visitor(), si.Visitor(), si.Visitor()
	require.True(t, ann.Post("/count").OK())
	require.True(t, bob.Post("/login?as=bob").OK())
	left := bob.Token()
	require.True(t, alice.Post("/login?as=alice").OK())
	s.limit()

	filler := func() session.Record {
		r := record("filler")
		r.Data = make([]byte, 200<<10)
		_, _ = rand.Read(r.Data) // or it would be compressed
		return r
	}
	var all []session.Record
	si.During(func() {
		err := error(nil)
		for err == nil && len(all) < 1000 {
			r := filler()
			if err = store.Create(stress.Within(t), r); err == nil {
				all = append(all, r)
			} else {
				stress.RequireFailure(t, err, "Create")
				require.ErrorContains(t, err, s.reason)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				requireAbsent(t, store, r.ID, "after a Create that failed")
			}
		}
		t.Logf("full after %d records: %v", len(all), err)
		require.Error(t, err)
		for _, r := range all {
			requireHolds(t, store, r, "while the database is full")
		}
		list, err := store.List(t.Context(), "filler")
		require.NoError(t, err)
		require.Len(t, list, len(all))

		r := all[0] // a change that needs room
		r.Data = bytes.Repeat(r.Data, 10)
		stress.RequireFailure(t, store.Update(stress.Within(t), r), "Update")
		requireHolds(t, store, all[0], "after an Update that failed")

		n := 1
		for range 10 { // small changes may find room
			if ann.Post("/count").OK() {
				n++
			}
			require.Equal(t, stress.OK(fmt.Sprint(n, " ")), ann.Post("/read"))
		}
		require.Equal(t, stress.OK("0 alice"), alice.Post("/read"))
		a, after := bob.Post("/logout"), "new"
		if s.dialect == sessionsql.MySQL && !a.OK() {
			after = "0 bob" // without room for its undo log, MariaDB refuses a DELETE too
		} else {
			require.Equal(t, stress.OK("new"), a, "who wants to leave can")
		}
		require.Equal(t, stress.OK(after), si.With(left).Post("/read"), "after a logout that was answered by %v", a)
	})

	s.more()
	require.NoError(t, store.Create(stress.Within(t), filler()), "when there is room")
	n, err := store.DeleteAll(t.Context(), "filler")
	require.NoError(t, err)
	require.Equal(t, len(all)+1, n)
	require.True(t, ann.Post("/count").OK())
	require.Equal(t, stress.OK("new"), alice.Post("/logout"))
}

// TestReadOnly has the application talk to a database that takes no writes, such
// as a replica.
func TestReadOnly(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) (e engine, good, bad string){
		"PostgreSQL": func(t *testing.T) (engine, string, string) {
			dsn := onPostgres.dsn(onPostgres.serve(t, onPostgres.hasty...), "postgres")
			return onPostgres.engine, dsn, dsn + "&default_transaction_read_only=on"
		},
		"MariaDB": func(t *testing.T) (engine, string, string) {
			s := onMariaDB.serve(t, append(onMariaDB.hasty, "--read-only")...)
			dsn := onMariaDB.dsn(s, "test")
			must(t, onMariaDB.open(t, dsn), "CREATE USER app@127.0.0.1", "GRANT ALL ON test.* TO app@127.0.0.1")
			return onMariaDB.engine, dsn, strings.Replace(dsn, "root@", "app@", 1) // root may write nevertheless
		},
		"SQLite, modernc, file": func(t *testing.T) (engine, string, string) {
			dsn := sqlites[0].start(t)
			return sqlites[0], dsn, dsn + "&mode=ro"
		},
		"SQLite, mattn, file": func(t *testing.T) (engine, string, string) {
			dsn := sqlites[1].start(t)
			return sqlites[1], dsn, dsn + "&mode=ro"
		},
		"SQLite, modernc, connection": func(t *testing.T) (engine, string, string) {
			dsn := sqlites[0].start(t)
			return sqlites[0], dsn, dsn + "&_pragma=query_only(1)"
		},
		"SQLite, mattn, connection": func(t *testing.T) (engine, string, string) {
			dsn := sqlites[1].start(t)
			return sqlites[1], dsn, dsn + "&_query_only=1"
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, writable, readOnly := start(t)
			good := e.site(t, e.open(t, writable))
			bad := stress.NewSite(t, sessionsql.New(e.open(t, readOnly), e.dialect, &sessionsql.Options{Table: lastTable()}))
			v := good.Visitor()
			require.True(t, v.Post("/login?as=alice").OK())

			bad.During(func() {
				w := bad.With(v.Token())
				assert.Equal(t, stress.OK("0 alice"), w.Post("/read"))
				for _, target := range []string{"/count", "/logout", "/login?as=bob", "/revoke?whose=alice"} {
					assert.False(t, w.Post(target).OK(), "POST %s", target)
				}
				assert.False(t, bad.Visitor().Post("/count").OK(), "a new session")
				assert.Regexp(t, "read-?only", bad.Complaints(), "the reason is told")
				assert.NotContains(t, bad.Complaints(), "deadline", "it is told at once")
				assert.Equal(t, stress.OK("0 alice"), w.Post("/read"))
			})
			assert.Equal(t, stress.OK("0 alice"), v.Post("/read"))
			list, err := good.Store.List(stress.Within(t), "alice")
			require.NoError(t, err)
			assert.Len(t, list, 1)
		})
	}
}
