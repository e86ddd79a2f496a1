// Upgrade is an application for the test of upgrades, which builds it with other
// versions of the schema too.
//
//	upgrade DIALECT DSN migrate|create|load ID
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 4 {
		log.Fatal("usage: upgrade DIALECT DSN migrate|create|load ID")
	}
	if err := do(context.Background(), os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		log.Fatal(err)
	}
}

func do(ctx context.Context, dialect, dsn, command string, args []string) error {
	driver, speaks := "pgx", sessionsql.Postgres
	switch dialect {
	case "mysql":
		driver, speaks = "mysql", sessionsql.MySQL
	case "sqlite":
		driver, speaks = "sqlite", sessionsql.SQLite
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	store := sessionsql.New(db, speaks, nil)
	switch command {
	case "migrate":
		db.SetMaxOpenConns(1)
		if err := store.Migrate(ctx); err != nil || dialect != "mysql" {
			return err
		}
		var held sql.NullBool
		err := db.QueryRowContext(ctx, "SELECT IS_USED_LOCK('session_sql_schema') = CONNECTION_ID()").Scan(&held)
		if err == nil && held.Bool {
			err = errors.New("the connection still has a lock")
		}
		return err
	case "create":
		r := session.Record{ID: session.NewID(), Subject: "alice", ExpiresAt: time.Now().Add(time.Hour)}
		fmt.Print(r.ID)
		return store.Create(ctx, r)
	default:
		id, err := session.ParseID(args[0])
		if err != nil {
			return err
		}
		r, err := store.Load(ctx, id)
		fmt.Print(r.Subject)
		return err
	}
}
