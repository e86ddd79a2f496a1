package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionotel "github.com/gostateful/session/otel"
)

type visits struct{ N int }

func main() {
	telemetry, err := sessionotel.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	manager, err := session.New[visits](telemetry.Store(memory.New(nil)), &session.Options{Observer: telemetry.Observe})
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
