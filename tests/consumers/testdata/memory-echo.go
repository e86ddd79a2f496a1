package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/labstack/echo/v5"

	sessionecho "github.com/gostateful/session/adapters/echo"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

type visits struct{ N int }

func main() {
	manager, err := session.New[visits](memory.New(nil), nil)
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Use(sessionecho.Middleware(manager))
	e.GET("/", func(c *echo.Context) error {
		s, err := manager.Get(c.Request().Context())
		if err == nil {
			err = s.Update(func(v *visits) error { v.N++; return nil })
		}
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(s.Data().N))
	})
	log.Fatal(http.ListenAndServe(os.Getenv("ADDR"), e))
}
