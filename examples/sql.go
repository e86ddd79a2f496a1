//go:build postgres || mysql || sqlite || all

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

// openSQL makes the table, if need be, and keeps it clean until it is closed.
func openSQL(ctx context.Context, name string, dialect sessionsql.Dialect, db *sql.DB) (*backend, error) {
	// Without a limit a crowd of visitors would take all connections that the
	// server has for everybody. Those that wait for one are served in turn.
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // not 2, which would close most of them after each use

	store := sessionsql.New(db, dialect, nil)
	if err := migrate(ctx, store); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot use -store %s: %w", name, err), db.Close())
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
	return &backend{open, store, func(ctx context.Context, opts *session.Options) (users, error) {
		return newSQLUsers(ctx, db, dialect, store, opts)
	}}, nil
}

func migrate(ctx context.Context, store *sessionsql.Store) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
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
