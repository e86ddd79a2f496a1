// Package sessionsql keeps sessions in PostgreSQL, MySQL, MariaDB or SQLite,
// with database/sql and any driver.
//
// # What is in the database
//
// A session is a row of one table: see the files in schema. [Store.Migrate]
// makes the table. A row whose expiry has passed counts as absent, until
// [Store.Sweep] removes it.
//
// # What is atomic
//
// A method is one statement, which the database does whole or not at all. A
// write names the version, or the expiry, that it replaces. So nothing is lost
// between a read and a write. Some calls send a second statement:
//
//   - an Update or a Touch that found nothing to write, to find the reason;
//   - a Sweep, which first looks, except in PostgreSQL;
//   - in MySQL, a Create whose ID is taken, and a DeleteAll.
//
// Only [Store.In] uses a transaction of the application. The store never holds
// a connection between two calls.
//
// The clock of the application decides whether a session has expired, at the
// time when a statement is sent. A statement that waits in the database until
// after the expiry may still be done, as if it had been in time.
//
// # What is repeated
//
// A statement that the database gave up because of others (a deadlock, a
// serialization failure, a busy file, no room for another connection) is not
// done. It is sent again until the context ends. A read that meets a dead
// connection is sent again on the next one, because a restart of the database
// leaves the pool full of dead connections. A write is not, because it may have
// been done: the engine looks, and then decides.
package sessionsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	session "github.com/gostateful/session/core"
)

// Options for [New]. A nil *Options and the zero value of each field mean the
// default.
type Options struct {
	// Table is the name of the table. The default is "sessions". It has at most 48
	// bytes of UTF-8, without NUL. It is quoted, so it may be any name that the
	// database accepts: in MySQL it does not end with a space or a line break and
	// has no character beyond U+FFFF, such as an emoji, and in SQLite it does not
	// begin with sqlite_. Other names are refused.
	Table string

	// Schema is the schema of the table. The default is where the database looks by
	// itself: the search_path in PostgreSQL, the connection's database in MySQL,
	// the main database in SQLite. It has at most 63 bytes. The other
	// rules are those of Table. Schemas of temporary tables are refused, because each connection
	// has its own.
	Schema string
}

// A Store keeps sessions in a database and implements [session.Store], with all
// its promises. Make one with [New]. It is safe for concurrent use.
type Store struct {
	db *sql.DB
	tx *sql.Tx // given to In; else nil
	*table
}

// New returns a store on a database. The caller closes the database. Nil opts
// mean the defaults.
//
// New does not connect. With a nil database, an unknown dialect or a name that
// cannot be used, all methods fail and say why.
func New(db *sql.DB, dialect Dialect, opts *Options) *Store {
	if opts == nil {
		opts = new(Options)
	}
	s := &Store{db: db, table: newTable(dialect, opts.Schema, opts.Table)}
	if db == nil {
		s.unfit = errors.New("New was given no database")
	}
	return s
}

// In returns a store whose calls are part of a transaction. The caller commits
// it or rolls it back. So a password can be changed and the user's sessions
// revoked, both or neither, through a manager with the usual options:
//
//	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
//	...
//	users, err := session.New[User](store.In(tx), options)
//	...
//	_, err = users.RevokeAll(ctx, user, current)
//	...
//	err = tx.Commit()
//
// Results hold only once the transaction is committed. The rows that it wrote
// stay locked until then, in MySQL with the gaps beside them. The store repeats
// nothing. An error that session.Store does not name may have ended the
// transaction: roll it back.
//
// A transaction of a level above READ COMMITTED sees the sessions as they were
// when it began to read: DeleteAll would not end sessions that have been
// created since.
//
// Do not serve requests with it. A Manager answers the browser when its store
// has written. A rollback after that would leave a cookie whose session was
// never stored, or is as it was before the login. First commit what the login
// depends on, such as the user, and then log in.
func (s *Store) In(tx *sql.Tx) *Store {
	if tx == nil {
		return &Store{table: &table{unfit: errors.New("In was given no transaction")}}
	}
	in := *s
	in.tx = tx
	return &in
}

// Load implements session.Store.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	r, err := s.find(ctx, s.load, id)
	return r, failed("load", id, err)
}

func (s *Store) find(ctx context.Context, st *statement, id session.ID) (session.Record, error) {
	records, err := s.records(ctx, true, st, id, []any{s.key(id), clock{}})
	if err == nil && len(records) == 0 {
		err = session.ErrNotFound
	}
	if err != nil {
		return session.Record{}, err
	}
	return records[0], nil
}

// look returns the statement that looks at a record after a write has found
// nothing to change. In a transaction of MySQL, a plain read may show an older
// state, from when it began.
func (s *Store) look() *statement {
	if s.tx != nil && s.dialect == MySQL {
		return s.loadNow
	}
	return s.load
}

// Create implements session.Store. It does not keep a record whose ExpiresAt
// has passed, and returns no error.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	if err := check(r); err != nil {
		return failed("create", r.ID, err)
	}
	expires := milli(r.ExpiresAt)
	if expires <= milli(time.Now()) {
		return failed("create", r.ID, s.ready(ctx))
	}
	args := []any{s.key(r.ID), int64(r.Version), expires, s.owner(r.Subject), blob(r.Data)}
	var n int64
	var err error
	if s.dialect == MySQL {
		if n, err = affected(s.exec(ctx, s.create, args...)); s.duplicate(err) {
			n, err = affected(s.exec(ctx, s.replace, append(args[1:], s.key(r.ID), clock{})...))
		}
	} else {
		n, err = affected(s.exec(ctx, s.create, append(args, clock{})...))
	}
	if err == nil && n == 0 { // the stored row has not expired
		err = session.ErrExists
	}
	return failed("create", r.ID, err)
}

// Update implements session.Store.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	if err := check(r); err != nil {
		return failed("update", r.ID, err)
	}
	n, err := affected(s.exec(ctx, s.update, newExpiry(r.ExpiresAt), s.owner(r.Subject), blob(r.Data),
		s.key(r.ID), int64(r.Version), clock{}))
	if err == nil && n == 0 {
		if _, err = s.find(ctx, s.look(), r.ID); err == nil {
			err = session.ErrConflict
		}
	}
	return failed("update", r.ID, err)
}

// Touch implements session.Store.
func (s *Store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	if err := checkExpiry(expiresAt); err != nil {
		return failed("touch", id, err)
	}
	expires := milli(expiresAt)
	n, err := affected(s.exec(ctx, s.touch, expires, s.key(id), expires, clock{}))
	if err == nil && n == 0 {
		_, err = s.find(ctx, s.look(), id) // it is no error if the record already lives as long
	}
	return failed("touch", id, err)
}

// Delete implements session.Store.
func (s *Store) Delete(ctx context.Context, id session.ID) error {
	_, err := s.exec(ctx, s.remove, s.key(id))
	return failed("delete", id, err)
}

// List implements session.Store.
func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	records, err := s.query(ctx, s.list, s.owner(subject), clock{})
	return records, failed("list", subject, err)
}

// DeleteAll implements session.Store. It removes all sessions at once. It also
// removes expired ones and does not count them: a write that the database has
// held up could bring one back.
func (s *Store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	n, err := s.deleteAll(ctx, subject, except)
	return int(n), failed("delete all", subject, err)
}

func (s *Store) deleteAll(ctx context.Context, subject string, except []session.ID) (live int64, err error) {
	var keys []any
	for _, id := range except {
		keys = append(keys, s.key(id))
	}
	if s.dialect == MySQL {
		return s.deleteAllMySQL(ctx, subject, keys)
	}
	st := s.removeAll
	if len(keys) > 0 {
		st = s.naming(removeAllText+butNot, len(keys), returning)
	}
	removed, err := s.records(ctx, false, st, session.ID{}, append([]any{s.owner(subject)}, keys...))
	now := time.Now()
	for _, r := range removed {
		if r.ExpiresAt.After(now) {
			live++
		}
	}
	return live, err
}

// deleteAllMySQL first removes the live sessions by one statement, and counts
// them.
func (s *Store) deleteAllMySQL(ctx context.Context, subject string, keys []any) (live int64, err error) {
	first, second := s.removeLive, s.removeExpired
	if len(keys) > 0 {
		first = s.naming(removeLiveMySQL+butNot, len(keys), "")
		second = s.naming(removeExpiredMySQL+butNot, len(keys), "")
	}
	args := append([]any{s.owner(subject), clock{}}, keys...)
	live, err = affected(s.exec(ctx, first, args...))
	if err == nil {
		_, err = s.exec(ctx, second, args...)
	}
	return live, err
}

// failed returns an error that says what could not be done, and with which
// session or subject.
func failed(doing string, what any, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sessionsql: %s %q: %w", doing, what, err)
}
