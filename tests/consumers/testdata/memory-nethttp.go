package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

type visits struct{ N int }

func main() {
	manager, err := session.New[visits](memory.New(nil), nil)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
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
	log.Fatal(http.ListenAndServe(os.Getenv("ADDR"), nethttp.Middleware(manager, nil)(mux)))
}
