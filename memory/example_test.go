package memory_test

import (
	"context"
	"fmt"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// An application makes the store once and gives it to its manager. Tests of
// handlers need no more than memory.New(nil).
func ExampleNew() {
	type Cart struct{ Items []string }

	store := memory.New(&memory.Options{
		MaxSessions: 100_000,
		Evicted: func(r session.Record) {
			fmt.Println("no room for", r.ID) // count it, and raise MaxSessions
		},
	})
	carts, err := session.New[Cart](store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	devices, err := carts.List(context.Background(), "alice")
	fmt.Println(len(devices), err, store.Len())
	// Output:
	// 0 <nil> 0
}
