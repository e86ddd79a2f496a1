//go:build all

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// TestStoreRefused: a store that cannot be had is told at the start, and no
// password with it. Port 1 is nobody's.
func TestStoreRefused(t *testing.T) {
	missing, text := filepath.Join(t.TempDir(), "missing", "shop.db"), filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("This is the text of another program."), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, store, want string
	}{
		{"no such store", "tape", "-store takes: memory, memory:FILE, sqlite:FILE"},
		{"no store at all", "", "-store takes: memory"},
		{"no such store, with a password", "tape://ann:secret@reel", `"tape://ann:xxxxx@reel"`},
		{"no URL", "redis://:secret@[127", "cannot read -store; it takes: "},
		{"a slash in the password", "mysql://ann:se/cret@127.0.0.1/shop", "cannot read -store; it takes: "},
		{"no slashes", "postgres:ann:secret@127.0.0.1/shop", "cannot read -store; it takes: "},

		{"Redis: no such option", "redis://:secret@localhost/?colour=red", "cannot read -store redis://:xxxxx@localhost/: redis: unexpected option: colour"},
		{"Redis is down", "redis://:secret@127.0.0.1:1", "cannot use -store redis://:xxxxx@127.0.0.1:1: "},

		{"PostgreSQL: no such value", "postgres://ann:secret@127.0.0.1/shop?sslmode=maybe", "sslmode is invalid"},
		{"PostgreSQL: no such value, another password", "postgres://127.0.0.1/shop?password=secret&sslmode=maybe", "cannot read -store postgres://127.0.0.1/shop: "},
		{"PostgreSQL is down", "postgres://ann:secret@127.0.0.1:1/shop", "cannot use -store postgres://ann:xxxxx@127.0.0.1:1/shop: "},
		{"PostgreSQL by its other name", "postgresql://127.0.0.1:1/shop?password=secret", "cannot use -store postgresql://127.0.0.1:1/shop: "},

		{"MySQL: no such value", "mysql://ann:secret@127.0.0.1/shop?parseTime=maybe", "cannot read -store mysql://ann:xxxxx@127.0.0.1/shop: invalid bool value: maybe"},
		{"MySQL: a slash in a value", "mysql://ann:secret@127.0.0.1/shop?loc=No/Where", "unknown time zone No/Where"},
		{"MySQL is down", "mysql://ann:s:ecret%2F@127.0.0.1:1/shop", "cannot use -store mysql://ann:xxxxx@127.0.0.1:1/shop: "},
		{"MySQL: IPv6, and its usual port", "mysql://ann:secret@[fe80::1%25none]/shop", "dial tcp [fe80::1%none]:3306: "},

		{"memory: no file", "memory:", "-store takes: memory, memory:FILE"},
		{"memory: no folder", "memory:" + missing, "cannot use -store memory:" + missing + ": "},
		{"memory: another program's file", "memory:" + text, "cannot use -store memory:" + text + ": memory: restore: this is no snapshot"},

		{"SQLite: no file", "sqlite:", "-store takes: memory, memory:FILE, sqlite:FILE"},
		{"SQLite: no folder", "sqlite:" + missing, "cannot use -store sqlite:" + missing + ": "},
		{"SQLite: a folder", "sqlite:.", "cannot use -store sqlite:.: "},
		{"SQLite: another program's file", "sqlite:" + text, "file is not a database"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := run(t.Context(), []string{"-store", test.store}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "ecret%2F")) {
				t.Errorf("got %v, which shows the password", err)
			}
		})
	}
}

// TestSQLite: a file keeps the sessions, whatever it is called, and loses what
// has expired while it is open.
func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, file := range []string{"shop.db", ":memory:", "a%20b?mode=memory#c&d.db", filepath.Join(dir, "absolute.db"), "//" + filepath.Join(dir, "slashes.db")} {
		// In here the clock is a fake, and a goroutine that is left behind fails the test.
		synctest.Test(t, func(t *testing.T) {
			open := func() (session.Store, *openDB) {
				opened, err := openStore(context.WithoutCancel(t.Context()), "sqlite:"+file)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				return opened.store, opened.Closer.(*openDB)
			}
			closed := func(o *openDB) {
				if err := o.Close(); err != nil {
					t.Errorf("%s: close: %v", file, err)
				}
			}

			store, first := open()
			kept := session.Record{ID: session.NewID(), ExpiresAt: time.Now().Add(time.Hour)}
			brief := session.Record{ID: session.NewID(), ExpiresAt: time.Now().Add(time.Second)}
			if err := errors.Join(store.Create(t.Context(), kept), store.Create(t.Context(), brief)); err != nil {
				t.Fatal(err)
			}
			closed(first)
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}

			store, second := open()
			defer closed(second)
			if _, err := store.Load(t.Context(), kept.ID); err != nil {
				t.Errorf("%s: after it was closed and opened: %v", file, err)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			rows := 0
			if err := second.db.QueryRow("SELECT count(*) FROM sessions").Scan(&rows); err != nil || rows != 1 {
				t.Errorf("%s: two minutes later: got %d rows and %v, want the 1 that has not expired", file, rows, err)
			}
		})
	}
}
