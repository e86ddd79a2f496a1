package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	session "github.com/gostateful/session/core"
)

// store stands for the store of an application, such as memory.New(nil).
var store = newTestStore()

type Basket struct{ Items []string }

// A Manager is made once, at the start of the program.
func ExampleNew() {
	baskets, err := session.New[Basket](store, &session.Options{
		IdleTimeout: 30 * time.Minute,
		Lifetime:    12 * time.Hour,
		Cookie:      session.Cookie{SameSite: http.SameSiteStrictMode},
	})
	fmt.Println(baskets != nil, err)
	// Output: true <nil>
}

// New returns all faults of the options at once.
func ExampleNew_faults() {
	_, err := session.New[Basket](store, &session.Options{
		IdleTimeout: 48 * time.Hour,
		Cookie:      session.Cookie{Name: "__Host-basket", Domain: "example.com"},
	})
	fmt.Println(err)
	// Output:
	// session: IdleTimeout 48h0m0s is longer than Lifetime 24h0m0s and would never end a session
	// session: Cookie.Domain "example.com": a __Host- cookie belongs to one host; leave Domain empty or use the prefix __Secure-
}

var baskets, _ = session.New[Basket](store, nil)

// addItem is a handler as an application writes it.
func addItem(w http.ResponseWriter, r *http.Request) {
	s, err := baskets.Get(r.Context())
	if err != nil {
		http.Error(w, "cannot open your basket", session.HTTPStatus(err))
		return
	}
	item := r.FormValue("item")
	err = s.Update(func(b *Basket) error {
		if len(b.Items) == 3 {
			return errors.New("the basket is full")
		}
		b.Items = append(b.Items, item)
		return nil
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	fmt.Fprintln(w, "basket:", s.Data().Items)
}

// A test gives a handler any session, without a server.
func ExampleManager_NewContext() {
	r := httptest.NewRequest("POST", "/?item=milk", nil)
	ctx := baskets.NewContext(r.Context(), session.Info[Basket]{Subject: "alice", Data: Basket{Items: []string{"bread"}}})

	w := httptest.NewRecorder()
	addItem(w, r.WithContext(ctx))
	fmt.Print(w.Body)

	s, _ := baskets.Get(ctx) // as the handler left it
	fmt.Println(len(s.Data().Items), "items of", s.Subject())
	// Output:
	// basket: [bread milk]
	// 2 items of alice
}

// If the function returns an error, the data stays as it was.
func ExampleSession_Update() {
	ctx := baskets.NewContext(context.Background(), session.Info[Basket]{Subject: "alice", Data: Basket{Items: []string{"bread"}}})
	s, _ := baskets.Get(ctx)

	err := s.Update(func(b *Basket) error {
		b.Items = nil
		return errors.New("payment refused")
	})
	fmt.Println(err, s.Data().Items)

	err = s.Update(func(b *Basket) error {
		b.Items = append(b.Items, "milk")
		return nil
	})
	fmt.Println(err, s.Data().Items)
	// Output:
	// payment refused [bread]
	// <nil> [bread milk]
}

// An adapter takes a request through an Exchange. Applications use one of the
// adapters instead.
func ExampleExchange() {
	var x session.Exchange
	x.Begin(context.Background(), baskets, nil) // nil: the request has no Cookie header

	s, _ := baskets.Get(&x) // in the handler
	_ = s.Update(func(b *Basket) error { b.Items = []string{"tea"}; return nil })

	header, err := x.Commit(session.Response{}) // before the first byte of the response
	fmt.Println(header.SetCookie[0][:len("__Host-session=")], header.CacheControl, header.Vary, err)
	fmt.Println(x.Finish()) // when the handler has returned
	// Output:
	// __Host-session= no-store Cookie <nil>
	// <nil>
}

// A job changes a session from outside a request.
func ExampleManager_Update() {
	ctx := context.Background()
	var x session.Exchange // a visitor comes by and logs in
	x.Begin(ctx, baskets, nil)
	s, _ := baskets.Get(&x)
	_ = s.Login("carol", nil)
	_, _ = x.Commit(session.Response{})

	devices, _ := baskets.List(ctx, "carol")
	for _, device := range devices {
		err := baskets.Update(ctx, device.ID, func(b *Basket) error {
			b.Items = append(b.Items, "gift")
			return nil
		})
		fmt.Println(err)
	}
	devices, _ = baskets.List(ctx, "carol")
	fmt.Println(devices[0].Data.Items)

	n, err := baskets.RevokeAll(ctx, "carol")
	fmt.Println(n, err)
	// Output:
	// <nil>
	// [gift]
	// 1 <nil>
}

// Any encoder will do. The name is stored with the data.
func ExampleCodec() {
	quoted := session.Codec{
		Name:      "quoted",
		Marshal:   func(v any) ([]byte, error) { return fmt.Appendf(nil, "%q", v.(*Basket).Items), nil },
		Unmarshal: func([]byte, any) error { return nil },
	}
	_, err := session.New[Basket](store, &session.Options{Codec: quoted})
	fmt.Println(err)
	// Output: <nil>
}
