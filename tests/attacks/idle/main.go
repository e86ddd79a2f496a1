// Idle is an application that dumps its heap, for the test that looks for tokens there.
//
//	idle ADDRESS FILE
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: idle ADDRESS FILE")
	}
	visits, err := session.New[int](memory.New(nil), nil)
	if err != nil {
		log.Fatal(err)
	}
	held := make(chan struct{})
	var open atomic.Int64 // connections, but of requests that are held
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		s, err := visits.Get(r.Context())
		if err == nil {
			err = s.Login(r.URL.Query().Get("as"), nil)
		}
		if err != nil {
			session.Error(w, err)
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s, err := visits.Get(r.Context())
		if err == nil {
			err = s.Update(func(n *int) error { *n++; return nil })
		}
		if err != nil {
			session.Error(w, err)
			return
		}
		fmt.Fprint(w, s.Data(), s.Subject())
		if r.URL.Query().Has("hold") {
			open.Add(-1)
			_ = http.NewResponseController(w).Flush()
			<-held
		}
	})
	mux.HandleFunc("POST /dump", func(w http.ResponseWriter, _ *http.Request) {
		for open.Load() > 1 { // the connection of this request
			runtime.Gosched()
		}
		for range 3 { // pools keep what they have for two collections
			runtime.GC()
		}
		file, err := os.Create(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		debug.WriteHeapDump(file.Fd())
		_ = file.Close()
	})
	server := http.Server{Addr: os.Args[1], Handler: nethttp.Middleware(visits, nil)(mux)}
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
	log.Fatal(server.ListenAndServe())
}
