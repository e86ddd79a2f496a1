package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // needs no C compiler, unlike mattn's

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

func openPostgres(ctx context.Context, u *url.URL) (session.Store, io.Closer, error) {
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read -store %s: %w", shown(u), err)
	}
	return openSQL(ctx, shown(u), sessionsql.Postgres, stdlib.OpenDB(*config))
}

// openMySQL reads a URL as the driver would read its own DSN, in which a user
// and a password cannot hold everything, and gives them to it apart.
func openMySQL(ctx context.Context, u *url.URL) (session.Store, io.Closer, error) {
	addr := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "3306"))
	database, params := url.PathEscape(strings.TrimPrefix(u.Path, "/")), strings.ReplaceAll(u.RawQuery, "/", "%2F")
	config, err := mysql.ParseDSN("tcp(" + addr + ")/" + database + "?" + params)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read -store %s: %w", shown(u), err)
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read -store %s: %w", shown(u), err)
	}
	return openSQL(ctx, shown(u), sessionsql.MySQL, sql.OpenDB(connector))
}

// openSQLite opens a file, whatever its name holds, and makes it if it is not there.
func openSQLite(ctx context.Context, file string) (session.Store, io.Closer, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot use -store sqlite:%s: %w", file, err)
	}
	// With a write-ahead log nobody waits for a reader. Who waits for another
	// writer is better told soon: the store tries again, until its time is up.
	const params = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(50)"
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+params)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot use -store sqlite:%s: %w", file, err)
	}
	return openSQL(ctx, "sqlite:"+file, sessionsql.SQLite, db)
}

// openSQL makes the table, if need be, and keeps it clean until it is closed.
func openSQL(ctx context.Context, name string, dialect sessionsql.Dialect, db *sql.DB) (session.Store, io.Closer, error) {
	// Without a limit a crowd of visitors would take all connections that the
	// server has for everybody. Those that wait for one are served in turn.
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // not 2, which would close most of them after each use

	store := sessionsql.New(db, dialect, nil)
	if err := migrate(ctx, store); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot use -store %s: %w", name, err), db.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	open := &openDB{db: db, stop: stop}
	open.sweeping.Go(func() {
		store.SweepEvery(ctx, time.Minute, func(_ int, err error) {
			if err != nil {
				slog.Warn("expired sessions are not removed", "error", err)
			}
		})
	})
	return store, open, nil
}

func migrate(ctx context.Context, store *sessionsql.Store) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return store.Migrate(ctx)
}

// An openDB is a database and what goes on in it.
type openDB struct {
	db       *sql.DB
	stop     context.CancelFunc
	sweeping sync.WaitGroup
}

// Close implements io.Closer.
func (o *openDB) Close() error {
	o.stop()
	o.sweeping.Wait()
	return o.db.Close()
}
