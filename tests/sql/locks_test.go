package sql_test

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
)

// A lock is what a call holds until its transaction ends.
type lock struct {
	name string
	call func(t *testing.T, s *sessionsql.Store, c *crowd) error
	rows string // those that it may lock
	gaps string // where it may keep others from inserting, in REPEATABLE READ of InnoDB
}

// A crowd is many sessions, of which the tests use a few.
type crowd struct {
	before, mine, also, after session.Record   // in the order of their IDs and subjects
	past                      []session.Record // expired
	absent                    session.Record   // between before and mine, as is its subject
	all                       []session.ID
}

var locks = []lock{
	{"Load", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		_, err := s.Load(t.Context(), c.mine.ID)
		return err
	}, "", ""},
	{"List", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		_, err := s.List(t.Context(), c.mine.Subject)
		return err
	}, "", ""},
	{"Create", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return s.Create(t.Context(), c.absent)
	}, "", ""},
	{"Create over a live record", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return want(s.Create(t.Context(), c.mine), session.ErrExists)
	}, "mine", ""},
	{"Create over an expired record", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		r := c.past[0]
		r.ExpiresAt = in(time.Hour)
		return s.Create(t.Context(), r)
	}, "past", ""},
	{"Update", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return s.Update(t.Context(), c.mine)
	}, "mine", ""},
	{"Update of the subject and the hour", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return s.Update(t.Context(), elsewhere(c.mine))
	}, "mine", ""},
	{"Update over another version", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		r := c.mine
		r.Version++
		return want(s.Update(t.Context(), r), session.ErrConflict)
	}, "mine", ""},
	{"Update of an absent record", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return want(s.Update(t.Context(), c.absent), session.ErrNotFound)
	}, "", "id"},
	{"Touch", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return s.Touch(t.Context(), c.mine.ID, in(3*time.Hour))
	}, "mine", ""},
	{"Touch of an absent record", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return want(s.Touch(t.Context(), c.absent.ID, in(time.Hour)), session.ErrNotFound)
	}, "", "id"},
	{"Delete", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return s.Delete(t.Context(), c.mine.ID)
	}, "mine", ""},
	{"Delete of an absent record", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		return s.Delete(t.Context(), c.absent.ID)
	}, "", "id"},
	{"DeleteAll", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		_, err := s.DeleteAll(t.Context(), c.mine.Subject)
		return err
	}, "mine also", "subject"},
	{"DeleteAll but one", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		_, err := s.DeleteAll(t.Context(), c.mine.Subject, c.also.ID)
		return err
	}, "mine also", "subject"},
	{"DeleteAll of nothing", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		_, err := s.DeleteAll(t.Context(), c.absent.Subject)
		return err
	}, "", "subject"},
	{"Sweep", func(t *testing.T, s *sessionsql.Store, c *crowd) error {
		_, err := s.Sweep(t.Context())
		return err
	}, "past", ""},
}

// elsewhere is a change that moves a row in each index.
func elsewhere(r session.Record) session.Record {
	r.Subject = "zoe"
	r.ExpiresAt = in(9 * time.Hour)
	return r
}

// TestLocks makes each call in a transaction that stays open, and has others use
// every other session meanwhile.
func TestLocks(t *testing.T) {
	postgres := servers.PostgresURL(servers.Postgres(t, "-c", "lock_timeout=1ms"), "postgres")
	type test struct {
		name string
		e    engine
		dsn  string
		gaps bool
	}
	tests := []test{{"PostgreSQL", postgreSQL, postgres, false}}
	for _, e := range slices.Concat([]engine{mariaDB}, mySQLs) {
		wait := "innodb_lock_wait_timeout=0"
		if e.name != mariaDB.name {
			wait = "innodb_lock_wait_timeout=1" // the least
		}
		dsn := with(e.start(t), wait)
		tests = append(tests,
			test{e.name + " READ-COMMITTED", e, e.isolation(dsn, "READ-COMMITTED"), false},
			test{e.name + " REPEATABLE-READ", e, dsn, true})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := test.e.open(t, test.dsn)
			s, table, _ := test.e.named(db, "locked")
			require.NoError(t, s.Migrate(t.Context()))
			c := newCrowd(t, s)
			analyze, lockText := "ANALYZE "+table, "SELECT 1 FROM "+table+" WHERE id = '%x' FOR UPDATE SKIP LOCKED"
			if test.e.dialect == sessionsql.MySQL { // which may fail to skip
				analyze, lockText = "ANALYZE TABLE "+table, "SELECT 1 FROM "+table+" WHERE id = X'%x' FOR UPDATE NOWAIT"
			}
			_, err := db.ExecContext(t.Context(), analyze)
			require.NoError(t, err)
			for _, l := range locks {
				rows, gaps := c.kept(t, db, s, lockText, l)
				assert.Subset(t, strings.Fields(l.rows), rows, "%s: sessions that others cannot use", l.name)
				if l.name == "Update" {
					assert.Equal(t, []string{"mine"}, rows, "the test sees locks")
				}
				if test.gaps {
					assert.Subset(t, strings.Fields(l.gaps), gaps, "%s: where others cannot create sessions", l.name)
				} else {
					assert.Empty(t, gaps, "%s: where others cannot create sessions", l.name)
				}
			}
		})
	}
}

// newCrowd creates 200 subjects with two sessions each.
func newCrowd(t *testing.T, s *sessionsql.Store) *crowd {
	c := new(crowd)
	for i := range 400 {
		r := record(fmt.Sprintf("user%03d", i/2))
		r.ID = session.ID{byte(i >> 8), byte(i), 100}
		// Most are in the hour, or the next, that Sweep looks at.
		r.ExpiresAt = time.Now().UTC().Truncate(time.Hour).Add(time.Duration(i%3+1)*time.Hour - time.Minute)
		if !time.Now().Before(r.ExpiresAt.Add(-time.Minute)) {
			r.ExpiresAt = r.ExpiresAt.Add(time.Hour)
		}
		c.all = append(c.all, r.ID)
		switch i {
		case 199:
			c.before = create(t, s, r)
		case 200:
			c.mine = create(t, s, r)
			c.absent = r
			c.absent.ID[2]--
			c.absent.Subject = "user099+"
		case 201:
			c.also = create(t, s, r)
		case 202:
			c.after = create(t, s, r)
		default:
			if i%3 > 0 {
				create(t, s, r)
				continue
			}
			c.past = append(c.past, expired(t, s, "")) // many, or reading all is the best plan
			c.all[i] = c.past[len(c.past)-1].ID
		}
	}
	return c
}

// kept returns the sessions that a call keeps others from using, and where it
// keeps them from creating some.
func (c *crowd) kept(t *testing.T, db *sql.DB, s *sessionsql.Store, lockText string, l lock) (rows, gaps []string) {
	// free tells whether others can do something at the same time. Each try has
	// transactions of its own: InnoDB's locks spread when a row beside them goes.
	free := func(do func(tx *sql.Tx, s *sessionsql.Store) error) bool {
		t.Helper()
		held, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer held.Rollback()
		require.NoError(t, l.call(t, s.In(held), c), l.name)
		other, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer other.Rollback()
		err = do(other, s.In(other))
		require.True(t, err == nil || waited(err), "%s: %v", l.name, err)
		return err == nil
	}
	names := map[session.ID]string{c.before.ID: "before", c.mine.ID: "mine", c.also.ID: "also", c.after.ID: "after"}
	for _, r := range c.past {
		names[r.ID] = "past"
	}
	for _, r := range []session.Record{c.before, c.mine, c.also, c.after} {
		update := free(func(_ *sql.Tx, s *sessionsql.Store) error { return s.Update(t.Context(), elsewhere(r)) })
		touch := free(func(_ *sql.Tx, s *sessionsql.Store) error { return s.Touch(t.Context(), r.ID, in(9*time.Hour)) })
		remove := free(func(_ *sql.Tx, s *sessionsql.Store) error { return s.Delete(t.Context(), r.ID) })
		if !update || !touch || !remove {
			rows = append(rows, names[r.ID])
		}
	}
	free(func(tx *sql.Tx, _ *sessionsql.Store) error {
		rows = append(rows, c.locked(t, tx, lockText, names)...)
		return nil
	})
	slices.Sort(rows)
	rows = slices.Compact(rows)

	for _, place := range []struct {
		name    string
		id      session.ID
		subject string
		lives   time.Duration
	}{
		{"id", session.ID{c.before.ID[0], c.before.ID[1], 200}, "", time.Hour},
		{"id", session.ID{c.mine.ID[0], c.mine.ID[1], 200}, "", time.Hour},
		{"new", session.NewID(), "", time.Minute},
		{"new", session.NewID(), "", time.Hour},
		{"new", session.ID{255}, "zoe", 9 * time.Hour},
		{"subject", session.NewID(), "user099!", time.Hour},
		{"subject", session.NewID(), c.mine.Subject, time.Hour},
		{"subject", session.NewID(), "user100!", time.Hour},
	} {
		r := record(place.subject)
		r.ID, r.ExpiresAt = place.id, in(place.lives)
		if !free(func(_ *sql.Tx, s *sessionsql.Store) error { return s.Create(t.Context(), r) }) {
			gaps = append(gaps, place.name)
		}
	}
	return rows, slices.Compact(gaps)
}

// locked returns the sessions that a transaction cannot lock.
func (c *crowd) locked(t *testing.T, tx *sql.Tx, lockText string, names map[session.ID]string) (locked []string) {
	for _, id := range c.all {
		var n int
		err := tx.QueryRowContext(t.Context(), fmt.Sprintf(lockText, id[:])).Scan(&n)
		switch {
		case errors.Is(err, sql.ErrNoRows), waited(err):
			locked = append(locked, cmp.Or(names[id], "another"))
		default:
			require.NoError(t, err)
		}
	}
	return locked
}

// waited tells whether an error says that a lock was not to be had.
func waited(err error) bool {
	if err == nil {
		return false
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState() == "55P03"
	}
	return strings.Contains(err.Error(), "Error 1205") || strings.Contains(err.Error(), "Error 3572")
}
