package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"

	_ "github.com/go-sql-driver/mysql"
	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

type visits struct{ N int }

func main() {
	db, err := sql.Open("mysql", os.Getenv("MYSQL"))
	if err != nil {
		log.Fatal(err)
	}
	store := sessionsql.New(db, sessionsql.MySQL, nil)
	if err := store.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	manager, err := session.New[visits](store, nil)
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New()
	app.Use(sessionfiber.Middleware(manager, nil))
	app.Get("/", func(c fiber.Ctx) error {
		s, err := manager.Get(c)
		if err == nil {
			err = s.Update(func(v *visits) error { v.N++; return nil })
		}
		if err != nil {
			return fiber.NewError(session.HTTPStatus(err), err.Error())
		}
		return c.SendString(fmt.Sprint(s.Data().N))
	})
	log.Fatal(app.Listen(os.Getenv("ADDR")))
}
