package sessionsql_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"time"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

type Cart struct{ Items []string }

// An application opens its database with the driver of its choice, makes the
// store on it, and has it swept as long as it runs. This Example is not run, as
// no driver is here; the program in the README is.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("pgx", "postgres://localhost/shop") // with _ "github.com/jackc/pgx/v5/stdlib"
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store := sessionsql.New(db, sessionsql.Postgres, &sessionsql.Options{Table: "shop_sessions"})
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	go store.SweepEvery(ctx, time.Minute, func(removed int, err error) {
		if err != nil {
			log.Print(err)
		}
	})
	carts, err := session.New[Cart](store, nil)
	fmt.Println(carts, err)
}

// If New cannot use an argument, every call fails and says why.
func ExampleNew_refused() {
	store := sessionsql.New(nil, sessionsql.SQLite, nil)
	_, err := store.List(context.Background(), "alice")
	fmt.Println(err)
	// Output: sessionsql: list "alice": New was given no database
}

// A new password and the end of the user's other sessions are one step: both
// happen, or neither. The manager has the options of the one that serves
// requests, because the store knows a user by the realm too.
func ExampleStore_In() {
	var db *sql.DB
	var store *sessionsql.Store
	var options *session.Options
	changePassword := func(ctx context.Context, user, hash string, current session.ID) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}) // and no higher: see In
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `UPDATE users SET password = $1 WHERE name = $2`, hash, user); err != nil {
			return err
		}
		carts, err := session.New[Cart](store.In(tx), options)
		if err != nil {
			return err
		}
		if _, err := carts.RevokeAll(ctx, user, current); err != nil {
			return err
		}
		return tx.Commit()
	}
	_ = changePassword
}
