package sessionredis_test

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
)

type Cart struct{ Items []string }

// An application makes the store on its client and gives it to its manager.
func ExampleNew() {
	client := redis.NewClient(&redis.Options{
		Addr:                  "localhost:6379",
		ContextTimeoutEnabled: true,
	})
	defer client.Close()
	store := sessionredis.New(client, &sessionredis.Options{Prefix: "shop:"})
	carts, err := session.New[Cart](store, nil)
	fmt.Println(carts != nil, err) // nothing has been sent to Redis yet
	// Output: true <nil>
}

// In a Cluster, each session and each subject is in a slot of its own.
func ExampleNew_cluster() {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs:                 []string{"redis-1:6379", "redis-2:6379", "redis-3:6379"},
		ContextTimeoutEnabled: true,
	})
	defer client.Close()
	carts, err := session.New[Cart](sessionredis.New(client, nil), nil)
	fmt.Println(carts != nil, err)
	// Output: true <nil>
}

// If sessions would not be safe with a client, every call refuses it.
func ExampleNew_refused() {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": "localhost:6379"}})
	defer ring.Close()
	_, err := sessionredis.New(ring, nil).List(context.Background(), "alice")
	fmt.Println(err != nil)
	// Output: true
}
