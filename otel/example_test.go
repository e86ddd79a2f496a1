package sessionotel_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/attribute"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
	sessionotel "github.com/gostateful/session/otel"
)

type Cart struct{ Items []string }

// One Telemetry goes around the store, and gets the events. It records to the
// global providers.
func Example() {
	telemetry, err := sessionotel.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	store := telemetry.Store(adaptertest.NewStore()) // or memory.New(nil), or any other
	carts, err := session.New[Cart](store, &session.Options{Observer: telemetry.Observe})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(carts.Ping(context.Background()))
	// Output: <nil>
}

// Two managers have a Telemetry each, with an attribute that tells them apart.
func ExampleOptions() {
	shop, err := sessionotel.New(&sessionotel.Options{
		System:     "redis",
		Attributes: []attribute.KeyValue{attribute.String("sessions", "shop")},
	})
	if err != nil {
		log.Fatal(err)
	}
	observe := func(ctx context.Context, e session.Event) {
		shop.Observe(ctx, e)
		if e.Kind == session.EventReused {
			fmt.Println("ask the visitor of", e.Route, "to log in again")
		}
	}
	carts, err := session.New[Cart](shop.Store(adaptertest.NewStore()), &session.Options{Observer: observe})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(carts.Ping(context.Background()))
	// Output: <nil>
}
