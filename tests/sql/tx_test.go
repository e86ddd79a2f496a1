package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// TestTransactions has a server for each engine, and what In promises tested there.
func TestTransactions(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			db := e.open(t, e.start(t))
			for name, test := range map[string]func(*testing.T, *sql.DB, *sessionsql.Store){
				"Commit": testCommit, "Rollback": testRollback, "Named": testNamedErrors, "Refused": testRefused, "Revoke": testRevoke, "KeptExpiry": testKeptExpiry,
			} {
				t.Run(name, func(t *testing.T) { test(t, db, e.migrated(t, db, sessionsql.Options{})) })
			}
			t.Run("NeverJoined", func(t *testing.T) { e.testNeverJoined(t, db) })
			if e.dialect != sessionsql.SQLite { // which lets nobody write meanwhile
				t.Run("Snapshot", func(t *testing.T) { testSnapshot(t, db, e.migrated(t, db, sessionsql.Options{})) })
			}
		})
	}
}

// testRevoke ends a user's sessions by a manager in a transaction, as its realm is
// part of what the store knows the user by.
func testRevoke(t *testing.T, db *sql.DB, s *sessionsql.Store) {
	admin := session.Options{Realm: "admin"}
	current, other := stress.Login(t, s, admin, "alice"), stress.Login(t, s, admin, "alice")
	customer := stress.Login(t, s, session.Options{}, "alice")
	revoke := func() *sql.Tx {
		tx := begin(t, db)
		m, err := session.New[stress.Visits](s.In(tx), &admin)
		require.NoError(t, err)
		n, err := m.RevokeAll(t.Context(), "alice", current)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		return tx
	}
	require.NoError(t, revoke().Rollback())
	_, err := s.Load(t.Context(), other)
	require.NoError(t, err, "after a rollback")
	require.NoError(t, revoke().Commit())
	requireAbsent(t, s, other, "after a commit")
	for _, id := range []session.ID{current, customer} {
		_, err := s.Load(t.Context(), id)
		require.NoError(t, err, "of a session that was not to be revoked")
	}
}

func begin(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// A cast are sessions, and what becomes of them in a transaction.
type cast struct{ updated, touched, deleted, mine, current, over, created session.Record }

func newCast(t *testing.T, s *sessionsql.Store) *cast {
	return &cast{
		updated: create(t, s, record("alice")), touched: create(t, s, record("alice")), deleted: create(t, s, record("alice")),
		mine: create(t, s, record("bob")), current: create(t, s, record("bob")),
		over: expired(t, s, "carol"), created: record("dave"),
	}
}

// play calls each method that writes, and returns the cast as it is then.
func (c *cast) play(t *testing.T, s *sessionsql.Store) *cast {
	t.Helper()
	after := *c
	require.NoError(t, s.Create(t.Context(), c.created))
	after.over.ExpiresAt = in(time.Hour)
	require.NoError(t, s.Create(t.Context(), after.over))
	after.updated.Subject, after.updated.Data = "erin", []byte("changed")
	require.NoError(t, s.Update(t.Context(), after.updated))
	after.updated.Version++
	after.touched.ExpiresAt = in(2 * time.Hour)
	require.NoError(t, s.Touch(t.Context(), c.touched.ID, after.touched.ExpiresAt))
	require.NoError(t, s.Delete(t.Context(), c.deleted.ID))
	n, err := s.DeleteAll(t.Context(), "bob", c.current.ID)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	return &after
}

func (c *cast) requireBefore(t *testing.T, s *sessionsql.Store, when string) {
	t.Helper()
	for _, r := range []session.Record{c.updated, c.touched, c.deleted, c.mine, c.current} {
		requireHolds(t, s, r, when)
	}
	requireAbsent(t, s, c.created.ID, when)
	requireAbsent(t, s, c.over.ID, when)
}

func (c *cast) requireAfter(t *testing.T, s *sessionsql.Store, when string) {
	t.Helper()
	for _, r := range []session.Record{c.updated, c.touched, c.current, c.created, c.over} {
		requireHolds(t, s, r, when)
	}
	requireAbsent(t, s, c.deleted.ID, when)
	requireAbsent(t, s, c.mine.ID, when)
	records, err := s.List(t.Context(), "erin")
	require.NoError(t, err, when)
	require.Equal(t, []session.Record{c.updated}, records, when)
}

func testCommit(t *testing.T, db *sql.DB, s *sessionsql.Store) {
	before := newCast(t, s)
	tx := begin(t, db)
	after := before.play(t, s.In(tx))
	after.requireAfter(t, s.In(tx), "in the transaction")
	before.requireBefore(t, s, "outside, before the commit")
	require.NoError(t, tx.Commit())
	after.requireAfter(t, s, "after the commit")
	assert.ErrorIs(t, s.In(tx).Delete(t.Context(), after.created.ID), sql.ErrTxDone)
}

func testRollback(t *testing.T, db *sql.DB, s *sessionsql.Store) {
	before := newCast(t, s)
	tx := begin(t, db)
	before.play(t, s.In(tx)).requireAfter(t, s.In(tx), "in the transaction")
	require.NoError(t, tx.Rollback())
	before.requireBefore(t, s, "after the rollback")
	n, err := s.DeleteAll(t.Context(), "bob")
	require.NoError(t, err)
	assert.Equal(t, 2, n, "sessions that the rollback restored")
}

// testKeptExpiry has an Update that keeps the expiry wait for a Touch: what it
// keeps is what the row has when its turn comes.
func testKeptExpiry(t *testing.T, db *sql.DB, s *sessionsql.Store) {
	r := create(t, s, record("alice"))
	tx := begin(t, db)
	touched := in(5 * time.Hour)
	require.NoError(t, s.In(tx).Touch(t.Context(), r.ID, touched))
	r.Data = []byte("changed")
	kept := r
	kept.ExpiresAt = time.Time{}
	updated := make(chan error, 1)
	go func() { updated <- s.Update(t.Context(), kept) }()
	select {
	case err := <-updated:
		require.NoError(t, err)
		t.Fatal("the Update did not wait")
	case <-time.After(100 * time.Millisecond): // so that it waits, mostly
	}
	require.NoError(t, tx.Commit())
	require.NoError(t, <-updated)
	r.Version, r.ExpiresAt = r.Version+1, touched
	requireHolds(t, s, r, "after the Touch and the Update")
}

// testNamedErrors gets the errors that a store names in a transaction, which goes on.
func testNamedErrors(t *testing.T, db *sql.DB, s *sessionsql.Store) {
	tx := begin(t, db)
	in := s.In(tx)
	r := create(t, in, record("alice"))
	for _, st := range sent {
		require.NoError(t, st.prepare(t, in)(), st.name)
		requireHolds(t, in, r, "after "+st.name)
		_, err := in.DeleteAll(t.Context(), "alice", r.ID) // what it is about
		require.NoError(t, err, "after "+st.name)
	}
	require.NoError(t, tx.Commit())
	requireHolds(t, s, r, "after the commit")
}

func testRefused(t *testing.T, db *sql.DB, s *sessionsql.Store) {
	assert.ErrorContains(t, s.In(nil).Delete(t.Context(), session.NewID()), "In was given no transaction")
	assert.ErrorContains(t, s.In(begin(t, db)).Migrate(t.Context()), "call it on the store that New returned")
}

type txKey struct{}

// testNeverJoined writes through the store while a transaction of the same database is
// open: in the context, in the same goroutine, and on the connection that is used next.
func (e engine) testNeverJoined(t *testing.T, db *sql.DB) {
	s := e.migrated(t, db, sessionsql.Options{})
	for range 5 { // as connections are used in turn
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		_ = s.In(tx) // makes no difference to s
		_, err = s.In(tx).Load(ctx, session.NewID())
		require.ErrorIs(t, err, session.ErrNotFound)
		r := record("alice")
		require.NoError(t, s.Create(context.WithValue(ctx, txKey{}, tx), r))
		require.NoError(t, tx.Rollback())
		cancel()
		requireHolds(t, s, r, "after the rollback of a transaction that it was not in")
		require.NoError(t, s.Delete(t.Context(), r.ID))
	}
	assert.Zero(t, db.Stats().InUse)
}

// testSnapshot asks in a transaction about a session that another ended after it began.
func testSnapshot(t *testing.T, db *sql.DB, s *sessionsql.Store) {
	r, other := create(t, s, record("alice")), create(t, s, record("alice"))
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	requireHolds(t, s.In(tx), other, "which begins the snapshot")
	require.NoError(t, s.Delete(t.Context(), r.ID))
	for name, err := range map[string]error{
		"Touch":  s.In(tx).Touch(t.Context(), r.ID, in(2*time.Hour)),
		"Update": s.In(tx).Update(t.Context(), r),
	} {
		assert.Error(t, err, name)
		assert.False(t, errors.Is(err, session.ErrConflict), "%s of a session that was deleted: %v", name, err)
	}
}
