package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	"github.com/redis/go-redis/v9"

	sessionchi "github.com/gostateful/session/adapters/chi"
	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
)

type visits struct{ N int }

func main() {
	options, err := redis.ParseURL(os.Getenv("REDIS"))
	if err != nil {
		log.Fatal(err)
	}
	manager, err := session.New[visits](sessionredis.New(redis.NewClient(options), nil), nil)
	if err != nil {
		log.Fatal(err)
	}
	r := chi.NewRouter()
	r.Use(sessionchi.Middleware(manager, nil))
	r.Get("/", func(w http.ResponseWriter, r *http.Request) {
		s, err := manager.Get(r.Context())
		if err == nil {
			err = s.Update(func(v *visits) error { v.N++; return nil })
		}
		if err != nil {
			http.Error(w, err.Error(), session.HTTPStatus(err))
			return
		}
		fmt.Fprint(w, s.Data().N)
	})
	log.Fatal(http.ListenAndServe(os.Getenv("ADDR"), r))
}
