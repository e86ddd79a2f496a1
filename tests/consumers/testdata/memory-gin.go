package main

import (
	"log"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

type visits struct{ N int }

func main() {
	manager, err := session.New[visits](memory.New(nil), nil)
	if err != nil {
		log.Fatal(err)
	}
	r := gin.Default()
	r.Use(sessiongin.Middleware(manager, nil))
	r.GET("/", func(c *gin.Context) {
		s, err := manager.Get(c)
		if err == nil {
			err = s.Update(func(v *visits) error { v.N++; return nil })
		}
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		c.String(http.StatusOK, "%d", s.Data().N)
	})
	log.Fatal(r.Run(os.Getenv("ADDR")))
}
