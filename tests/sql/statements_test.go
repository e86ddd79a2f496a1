package sql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// A statement is a call, and what it sends to the database.
type statement struct {
	name string
	want string // separated by spaces; after slashes, what MySQL and SQLite need instead
	// prepare makes what the call is about, and returns the call.
	prepare func(t *testing.T, s *sessionsql.Store) (call func() error)
}

// sent lists all outcomes of all methods.
var sent = []statement{
	{"Load", "SELECT", func(t *testing.T, s *sessionsql.Store) func() error {
		r := create(t, s, record("alice"))
		return func() error { _, err := s.Load(t.Context(), r.ID); return err }
	}},
	{"Load of an absent record", "SELECT", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error { _, err := s.Load(t.Context(), session.NewID()); return want(err, session.ErrNotFound) }
	}},
	{"Create", "INSERT", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error { return s.Create(t.Context(), record("alice")) }
	}},
	{"Create over a live record", "INSERT / INSERT UPDATE", func(t *testing.T, s *sessionsql.Store) func() error {
		r := create(t, s, record("alice"))
		return func() error { return want(s.Create(t.Context(), r), session.ErrExists) }
	}},
	{"Create over an expired record", "INSERT / INSERT UPDATE", func(t *testing.T, s *sessionsql.Store) func() error {
		r := expired(t, s, "alice")
		r.ExpiresAt = in(time.Hour)
		return func() error { return s.Create(t.Context(), r) }
	}},
	{"Update", "UPDATE", func(t *testing.T, s *sessionsql.Store) func() error {
		r := create(t, s, record("alice"))
		return func() error { return s.Update(t.Context(), r) }
	}},
	{"Update that keeps the expiry", "UPDATE", func(t *testing.T, s *sessionsql.Store) func() error {
		r := create(t, s, record("alice"))
		r.ExpiresAt = time.Time{}
		return func() error { return s.Update(t.Context(), r) }
	}},
	{"Update over another version", "UPDATE SELECT", func(t *testing.T, s *sessionsql.Store) func() error {
		r := create(t, s, record("alice"))
		r.Version++
		return func() error { return want(s.Update(t.Context(), r), session.ErrConflict) }
	}},
	{"Update of an absent record", "UPDATE SELECT", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error { return want(s.Update(t.Context(), record("alice")), session.ErrNotFound) }
	}},
	{"Touch", "UPDATE", func(t *testing.T, s *sessionsql.Store) func() error {
		r := create(t, s, record("alice"))
		return func() error { return s.Touch(t.Context(), r.ID, in(2*time.Hour)) }
	}},
	{"Touch to a time that is not later", "UPDATE SELECT", func(t *testing.T, s *sessionsql.Store) func() error {
		r := create(t, s, record("alice"))
		return func() error { return s.Touch(t.Context(), r.ID, r.ExpiresAt) }
	}},
	{"Touch of an absent record", "UPDATE SELECT", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error { return want(s.Touch(t.Context(), session.NewID(), in(time.Hour)), session.ErrNotFound) }
	}},
	{"Delete", "DELETE", func(t *testing.T, s *sessionsql.Store) func() error {
		r := create(t, s, record("alice"))
		return func() error { return s.Delete(t.Context(), r.ID) }
	}},
	{"Delete of an absent record", "DELETE", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error { return s.Delete(t.Context(), session.NewID()) }
	}},
	{"List", "SELECT", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error { _, err := s.List(t.Context(), "alice"); return err }
	}},
	{"All", "SELECT", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error { return goThrough(t.Context(), s) }
	}},
	{"DeleteAll", "DELETE / DELETE DELETE", func(t *testing.T, s *sessionsql.Store) func() error {
		create(t, s, record("bob"))
		return func() error { _, err := s.DeleteAll(t.Context(), "bob"); return err }
	}},
	{"DeleteAll but one", "DELETE / DELETE DELETE", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error { _, err := s.DeleteAll(t.Context(), "bob", session.NewID()); return err }
	}},
	{"DeleteAll but three", "DELETE / DELETE DELETE", func(t *testing.T, s *sessionsql.Store) func() error {
		return func() error {
			_, err := s.DeleteAll(t.Context(), "bob", session.NewID(), session.NewID(), session.NewID())
			return err
		}
	}},
	{"Sweep", "DELETE / SELECT DELETE / SELECT DELETE", func(t *testing.T, s *sessionsql.Store) func() error {
		expired(t, s, "")
		return func() error { _, err := s.Sweep(t.Context()); return err }
	}},
}

// lists tells whether a call names any number of sessions, for which nothing stays
// prepared.
func (st statement) lists() bool { return strings.Contains(st.name, " but ") || st.name == "Sweep" }

// want returns nil if an error is the one that is due.
func want(err, due error) error {
	if errors.Is(err, due) {
		return nil
	}
	return fmt.Errorf("got error %w, want %w", err, due)
}

func TestStatements(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			dsn := e.start(t)
			t.Run("OneEach", func(t *testing.T) { e.testOneEach(t, dsn) })
			t.Run("OfEngine", func(t *testing.T) { e.testOfEngine(t, dsn) })
			t.Run("DeleteAllKeepsFew", func(t *testing.T) { e.testDeleteAllKeepsFew(t, dsn) })
		})
	}
}

// testOneEach counts what each method sends: a single statement, prepared once,
// in no transaction. There are two if an Update or a Touch has found nothing to write,
// and the second of DeleteAll removes what has expired.
func (e engine) testOneEach(t *testing.T, dsn string) {
	db, spy := e.spied(t, dsn)
	db.SetMaxOpenConns(1) // as each connection has prepared statements of its own
	opts := sessionsql.Options{Table: "counted"}
	require.NoError(t, sessionsql.New(db, e.dialect, &opts).Migrate(t.Context()))
	s := sessionsql.New(db, e.dialect, &opts)

	spy.take()
	requireAbsent(t, s, session.NewID(), "in the empty table")
	assert.Equal(t, "SELECT SELECT", runs(spy.take()), "the first call also looks for the table")

	for _, st := range sent {
		require.NoError(t, st.prepare(t, s)(), st.name) // prepares
		call := st.prepare(t, s)
		spy.take()
		require.NoError(t, call(), st.name)
		got := spy.take()
		// For PostgreSQL, MySQL and SQLite; or for PostgreSQL and MySQL; or for all.
		wants := strings.Split(st.want, " / ")
		want := wants[0]
		switch {
		case e.dialect == sessionsql.MySQL && len(wants) > 1:
			want = wants[1]
		case e.dialect == sessionsql.SQLite && len(wants) > 2:
			want = wants[2]
		}
		assert.Equal(t, want, runs(got), st.name)
		if !st.lists() {
			assert.Len(t, got, len(strings.Fields(want)), "%s: nothing else is sent: %q", st.name, got)
		}
	}
	if e.dialect == sessionsql.SQLite {
		return // there is no server to be asked
	}
	before := e.prepared(t, db)
	for range 3 {
		for _, st := range sent {
			if !st.lists() {
				require.NoError(t, st.prepare(t, s)(), st.name)
			}
		}
	}
	assert.Equal(t, before, e.prepared(t, db), "statements that the server was given to prepare")
}

// testOfEngine counts what a request or a job sends.
func (e engine) testOfEngine(t *testing.T, dsn string) {
	db, spy := e.spied(t, dsn)
	s := e.migrated(t, db, sessionsql.Options{})
	requireAbsent(t, s, session.NewID(), "before the first request, which would look for the table")
	want := map[string]string{
		"a visit":                   "",
		"a first change":            "INSERT",
		"another visit":             "SELECT",
		"a change":                  "SELECT UPDATE",
		"a login":                   "SELECT UPDATE",
		"a login without a session": "INSERT",
		"a call of Touch":           "SELECT SELECT UPDATE",
		"a logout":                  "SELECT UPDATE",
		"a straggler of a logout":   "SELECT",
		"Revoke after a logout":     "SELECT",
		"a use after 20 minutes":    "SELECT UPDATE",
		"a use after 40 minutes, recorded by the load": "SELECT UPDATE",
		"a renewal":                       "SELECT UPDATE",
		"the first use of the new secret": "SELECT UPDATE",
		"another use of it":               "SELECT",
		"Manager.Update":                  "SELECT UPDATE",
		"Revoke":                          "SELECT DELETE",
		"Revoke of what is absent":        "SELECT",
	}
	assert.Equal(t, want, stress.Costs(t, s, func() string { return runs(spy.take()) }))
}

// runs are the statements that were executed.
func runs(sent []string) string {
	var words []string
	for _, s := range sent {
		if word, ran := strings.CutPrefix(s, "run "); ran {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// prepared is how many statements the server has prepared.
func (e engine) prepared(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if e.dialect == sessionsql.MySQL {
		var name string
		require.NoError(t, db.QueryRow("SHOW SESSION STATUS LIKE 'Com_stmt_prepare'").Scan(&name, &n))
		return n
	}
	for range 2 { // the first may prepare this one
		require.NoError(t, db.QueryRow("SELECT count(*) FROM pg_prepared_statements").Scan(&n))
	}
	return n
}

// testDeleteAllKeepsFew spares ever other numbers of sessions: what is prepared
// for them must not pile up.
func (e engine) testDeleteAllKeepsFew(t *testing.T, dsn string) {
	db, spy := e.spied(t, dsn)
	db.SetMaxOpenConns(1)
	s := e.migrated(t, db, sessionsql.Options{})
	r := create(t, s, record("alice"))
	prepared := 0
	for n := range 100 {
		except := []session.ID{r.ID}
		for range n % 50 {
			except = slices.Insert(except, rand.N(len(except)+1), session.NewID())
		}
		given := slices.Clone(except)
		create(t, s, record("alice"))
		got, err := s.DeleteAll(t.Context(), "alice", given...)
		require.NoError(t, err)
		require.Equal(t, 1, got)
		require.Equal(t, except, given, "the caller's slice")
		for _, what := range spy.take() {
			switch what {
			case "prepare DELETE":
				prepared++
			case "close DELETE":
				prepared--
			}
		}
	}
	requireHolds(t, s, r, "which was spared")
	assert.LessOrEqual(t, prepared, 10)
}
