//go:build sqlite || all

package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // needs no C compiler, unlike mattn's

	sessionsql "github.com/gostateful/session/sql"
)

// openSQLite opens a file, whatever its name holds, and makes it if it is not there.
func openSQLite(ctx context.Context, file string) (*backend, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("cannot use -store sqlite:%s: %w", file, err)
	}
	// With a write-ahead log nobody waits for a reader. Who waits for another
	// writer is better told soon: the store tries again, until its time is up.
	const params = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(50)"
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+params)
	if err != nil {
		return nil, fmt.Errorf("cannot use -store sqlite:%s: %w", file, err)
	}
	return openSQL(ctx, "sqlite:"+file, sessionsql.SQLite, db)
}
