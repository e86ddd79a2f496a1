package sessionsql

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	session "github.com/gostateful/session/core"
)

// batch is how many rows a sweep removes. Larger batches were no faster, and
// hold locks for longer.
const batch = 1000

const (
	selectText = `SELECT id, version, expires_at, subject, data FROM {table} `

	// It leaves out the ID, which the caller knows.
	findText     = `SELECT version, expires_at, subject, data FROM {table} `
	loadText     = findText + `WHERE id = {id} AND expires_at > ?`
	loadNowMySQL = findText + `WHERE id = {id} AND {expiry} > ? LOCK IN SHARE MODE`

	createText = `INSERT INTO {table} AS old (id, version, expires_at, subject, data) VALUES ({id}, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, expires_at = excluded.expires_at,
	subject = excluded.subject, data = excluded.data
WHERE old.expires_at <= ?`

	// An INSERT of MySQL has no such condition: see Create.
	createMySQL  = `INSERT INTO {table} (id, version, expires_at, subject, data) VALUES ({id}, ?, ?, ?, ?)`
	replaceMySQL = `UPDATE {table} SET version = ?, expires_at = ?, subject = ?, data = ? WHERE id = {id} AND {expiry} <= ?`

	updateText = `UPDATE {table} SET version = version + 1, expires_at = COALESCE(?, expires_at), subject = ?, data = ?
WHERE id = {id} AND version = ? AND {expiry} > ?`

	touchText = `UPDATE {table} SET expires_at = ? WHERE id = {id} AND {expiry} < ? AND {expiry} > ?`

	removeText = `DELETE FROM {table} WHERE id = {id}`

	listText = selectText + `WHERE subject = ? AND expires_at > ? ORDER BY id DESC`

	// It goes by the primary key and includes expired rows, so that each page takes
	// equally long.
	pageText = selectText + `WHERE id > {id} ORDER BY id LIMIT {page}`

	versionsText     = `SELECT id, version, expires_at, NULL, '' FROM {table} WHERE id `
	versionsPostgres = versionsText + `= ANY (?::uuid[])`

	removeAllText = `DELETE FROM {table} WHERE subject = ?`
	returning     = ` RETURNING id, version, expires_at, subject, ''`

	// A DELETE of MySQL returns no rows, so one statement counts and another cleans
	// up: see DeleteAll.
	removeLiveMySQL    = removeAllText + ` AND {expiry} > ?`
	removeExpiredMySQL = removeAllText + ` AND {expiry} <= ?`

	butNot = ` AND id NOT IN `

	// It goes by the place of the rows, which is faster than by their IDs. The
	// inner select locks them, and leaves rows that others have locked to the next
	// sweep. The outer condition is for partitioned tables, where a place is not
	// unique. Without the order, a generic plan of PostgreSQL reads the whole
	// table.
	sweepPostgres = `DELETE FROM {table} WHERE expires_at <= ? AND ctid = ANY (ARRAY(
	SELECT ctid FROM {table} WHERE expires_hour <= ? AND expires_at <= ? ORDER BY expires_hour LIMIT {batch} FOR UPDATE SKIP LOCKED))`

	// The other dialects first find the rows, which holds nobody up, and then
	// delete just these: SQLite has one writer at a time, and InnoDB locks all rows
	// that a DELETE looks at. MySQL would choose to read all of a small table.
	findExpiredSQLite = `SELECT id, version, expires_at, NULL, '' FROM {table}
WHERE expires_hour <= ? AND expires_at <= ? ORDER BY expires_hour LIMIT {batch}`
	findExpiredMySQL = `SELECT id, version, expires_at, NULL, '' FROM {table} WHERE expires_at <= ? ORDER BY expires_at LIMIT {batch}`

	removeFoundSQLite = `DELETE FROM {table} WHERE expires_at <= ? AND id IN `
	// It has the form for several tables, because the other form takes no index. It
	// has no alias: MySQL's manual says that an alias is looked for in the
	// connection's database.
	removeFoundMySQL = `DELETE {table} FROM {table} FORCE INDEX (PRIMARY) WHERE {expiry} <= ? AND id IN `
)

// statements holds the statements of one table. Those that a dialect does not
// need are never sent to it.
type statements struct {
	load, loadNow, create, replace, update, touch, remove, list, page, sweep *statement
	removeAll, removeLive, removeExpired                                     *statement

	versions []*statement
}

func (t *table) newStatements() statements {
	create, sweep := createText, sweepPostgres
	switch t.dialect {
	case MySQL:
		create, sweep = createMySQL, findExpiredMySQL
	case SQLite:
		sweep = findExpiredSQLite
	}
	return statements{
		load:          t.expand(loadText),
		loadNow:       t.expand(loadNowMySQL),
		create:        t.expand(create),
		replace:       t.expand(replaceMySQL),
		update:        t.expand(updateText),
		touch:         t.expand(touchText),
		remove:        t.expand(removeText),
		list:          t.expand(listText),
		page:          t.expand(strings.ReplaceAll(pageText, "{page}", strconv.Itoa(page))),
		removeAll:     t.expand(removeAllText + returning),
		removeLive:    t.expand(removeLiveMySQL),
		removeExpired: t.expand(removeExpiredMySQL),
		sweep:         t.expand(strings.ReplaceAll(sweep, "{batch}", strconv.Itoa(batch))),
		versions:      t.newVersions(),
	}
}

// idList returns a list of n IDs, such as ({id}, {id}).
func idList(n int) string { return "({id}" + strings.Repeat(", {id}", n-1) + ")" }

// A statement is prepared at its first use, unless the driver does that by
// itself.
type statement struct {
	text     string
	once     bool // not worth preparing
	prepared atomic.Pointer[sql.Stmt]
}

// naming returns a statement with a list of IDs before its end.
func (t *table) naming(text string, n int, end string) *statement {
	st := t.expand(text + idList(n) + end)
	st.once = true
	return st
}

// expand makes a statement of a text. In it, {table} is the table, {id} a
// parameter that is an ID, ? any other parameter, and {expiry} the column
// expires_at.
func (t *table) expand(text string) *statement {
	expiry := "expires_at"
	if t.dialect == MySQL {
		// Without the sum, MySQL may use the index of expires_at for a write, and lock
		// all rows that expire about then.
		expiry = "expires_at + 0"
	}
	text = strings.ReplaceAll(text, "{expiry}", expiry)
	id := "?"
	if t.dialect == Postgres {
		id = "?::uuid" // a driver that does not ask for the types may send it as text
	}
	text = strings.ReplaceAll(text, "{id}", id)
	if t.dialect == Postgres {
		var numbered strings.Builder
		for i, part := range strings.Split(text, "?") {
			if i > 0 {
				numbered.WriteString("$" + strconv.Itoa(i))
			}
			numbered.WriteString(part)
		}
		text = numbered.String()
	}
	return &statement{text: strings.ReplaceAll(text, "{table}", t.quoted)} // last, because the name may hold anything
}

// on returns the prepared statement. It may prepare it twice at first, but
// waits for nobody.
func (st *statement) on(ctx context.Context, db *sql.DB) (*sql.Stmt, error) {
	if stmt := st.prepared.Load(); stmt != nil {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, st.text)
	if err != nil {
		return nil, err
	}
	if !st.prepared.CompareAndSwap(nil, stmt) {
		_ = stmt.Close() // another was faster
		return st.prepared.Load(), nil
	}
	return stmt, nil
}

// exec executes a statement that writes.
func (s *Store) exec(ctx context.Context, st *statement, args ...any) (res sql.Result, err error) {
	err = s.attempt(ctx, false, func() error {
		switch {
		case s.tx != nil:
			res, err = s.tx.ExecContext(ctx, st.text, args...)
		case st.once || s.dialect == Postgres: // pgx prepares by itself, unless a pooler forbids it
			res, err = s.db.ExecContext(ctx, st.text, args...)
		default:
			var stmt *sql.Stmt
			if stmt, err = st.on(ctx, s.db); err == nil {
				res, err = stmt.ExecContext(ctx, args...)
			}
		}
		return err
	})
	return res, err
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query returns the records that a statement selects.
func (s *Store) query(ctx context.Context, st *statement, args ...any) ([]session.Record, error) {
	return s.records(ctx, true, st, session.ID{}, args)
}

// records returns the records that a statement selects, or those that a write
// has changed. id is the ID that the rows leave out, or zero.
func (s *Store) records(ctx context.Context, read bool, st *statement, id session.ID, args []any) (records []session.Record, err error) {
	err = s.attempt(ctx, read, func() error {
		records = nil
		rows, err := s.rows(ctx, st, args)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scan(rows, id)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

func (s *Store) rows(ctx context.Context, st *statement, args []any) (*sql.Rows, error) {
	switch {
	case s.tx != nil:
		return s.tx.QueryContext(ctx, st.text, args...)
	case st.once || s.dialect == Postgres:
		return s.db.QueryContext(ctx, st.text, args...)
	}
	stmt, err := st.on(ctx, s.db)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// attempt calls f, which executes one statement, if the table is known to
// exist.
func (s *Store) attempt(ctx context.Context, read bool, f func() error) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.repeat(ctx, read, f)
}

// patience is how long a call without a deadline repeats a statement in a
// crowded database.
const patience = time.Minute

// repeat calls f again if that is safe. A statement that the database gave up
// because of others is not done, and is repeated until the deadline. A read is
// repeated if it met a dead connection: the pool may hold more of them.
func (s *Store) repeat(ctx context.Context, read bool, f func() error) error {
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(patience)
	}
	dead := 0 // how often a read may meet a dead connection
	for attempt := 0; ; attempt++ {
		err := f()
		if err == nil || s.tx != nil {
			return err
		}
		if attempt == 0 {
			dead = 2 + s.db.Stats().Idle
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case ok && !time.Now().Before(until): // the context is about to notice; a dialer already has
			return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		case s.crowded(err) && time.Now().Before(until):
			pause(ctx, attempt)
		case !read || attempt >= dead || !s.disconnected(err):
			return err
		}
	}
}

// pause waits for a random time, longer with each attempt, up to 32 ms. So
// callers that wait do not all come back at once.
func pause(ctx context.Context, attempt int) { sleep(ctx, rand.N(time.Millisecond<<min(attempt, 5))) }
