package nethttp_test

import (
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// cart is the data of the tests.
type cart struct {
	Items []string
}

func add(item string) func(*cart) error {
	return func(c *cart) error {
		c.Items = append(c.Items, item)
		return nil
	}
}

// shop is a manager and its store.
type shop struct {
	*session.Manager[cart]
	store *adaptertest.Store
}

func newShop(t testing.TB) shop {
	t.Helper()
	st := adaptertest.NewStore()
	m, err := session.New[cart](st, nil)
	if err != nil {
		t.Fatal(err)
	}
	return shop{m, st}
}
