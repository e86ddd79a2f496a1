//go:build postgres || mysql || sqlite || all

package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

// sqlUsers are in the database of the sessions.
type sqlUsers struct {
	db      *sql.DB
	dialect sessionsql.Dialect
	store   *sessionsql.Store
	opts    *session.Options
}

func newSQLUsers(ctx context.Context, db *sql.DB, dialect sessionsql.Dialect, store *sessionsql.Store, opts *session.Options) (*sqlUsers, error) {
	u := &sqlUsers{db, dialect, store, opts}
	const table = "CREATE TABLE IF NOT EXISTS example_users (name VARCHAR(50) PRIMARY KEY, hash VARCHAR(60) NOT NULL)"
	if _, err := db.ExecContext(ctx, table); err != nil {
		return nil, err
	}
	for name, password := range passwords {
		if err := u.add(ctx, name, password); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// add adds a user who is not there yet. Another process may do so at the same moment.
func (u *sqlUsers) add(ctx context.Context, name, password string) error {
	if hash, err := u.hash(ctx, name); err != nil || hash != "" {
		return err
	}
	hash, err := firstHash(password)
	if err != nil {
		return err
	}
	_, err = u.db.ExecContext(ctx, u.query("INSERT INTO example_users (name, hash) VALUES (?, ?)"), name, string(hash))
	if added, lookErr := u.hash(ctx, name); lookErr == nil && added != "" {
		return nil
	}
	return err
}

// hash returns nothing for an unknown user.
func (u *sqlUsers) hash(ctx context.Context, name string) (hash string, err error) {
	var found string // MySQL takes ANN for ann
	err = u.db.QueryRowContext(ctx, u.query("SELECT name, hash FROM example_users WHERE name = ?"), name).Scan(&found, &hash)
	if errors.Is(err, sql.ErrNoRows) || err == nil && found != name {
		return "", nil
	}
	return hash, err
}

func (u *sqlUsers) check(ctx context.Context, name, password string) (bool, error) {
	hash, err := u.hash(ctx, name)
	return err == nil && matches([]byte(hash), password), err
}

// change does both or neither: the new password, and the end of the other sessions.
func (u *sqlUsers) change(ctx context.Context, name string, hash []byte, except session.ID) (ended int, err error) {
	tx, err := u.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, u.query("UPDATE example_users SET hash = ? WHERE name = ?"), string(hash), name); err != nil {
		return 0, err
	}
	sessions, err := session.New[visitor](u.store.In(tx), u.opts)
	if err != nil {
		return 0, err
	}
	if ended, err = sessions.RevokeAll(ctx, name, except); err != nil {
		return 0, err
	}
	return ended, tx.Commit()
}

// query numbers the parameters for PostgreSQL.
func (u *sqlUsers) query(text string) string {
	if u.dialect == sessionsql.Postgres {
		return strings.Replace(strings.Replace(text, "?", "$1", 1), "?", "$2", 1)
	}
	return text
}
