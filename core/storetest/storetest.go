// Package storetest holds a [session.Store] to its contract. Each law is one
// subtest with a stable name; the author of a store calls [Run] from one test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) session.Store { return mystore.New(connect(t)) })
//	}
//
// A store that lives in the process of the test and takes the time from the
// package time adds [FakeClock], and is then held to its expiry exactly and
// without waiting. A store with a backend adds [Down]. A store that is a
// [session.Iterable] or a [session.Watchable] is held to the laws of that too. Run
// the suite with the race detector too.
//
// Each law uses session IDs and subjects of its own and trips over nobody
// else's, so that stores may share a server with each other and with other data.
package storetest

import (
	"slices"
	"testing"
	"testing/synctest"

	session "github.com/gostateful/session/core"
)

// Run holds a store to the contract of session.Store: one subtest for each
// law. newStore is called once for each law, and once more to see whether the
// store is an Iterable or a Watchable. It returns an empty store, or one whose other content
// nobody disturbs.
func Run(t *testing.T, newStore func(t *testing.T) session.Store, opts ...Option) {
	var c config
	for _, set := range opts {
		set(&c)
	}
	laws := laws
	store := newStore(t)
	if _, ok := store.(session.Iterable); ok {
		laws = slices.Concat(laws, allLaws)
	}
	if _, ok := store.(session.Watchable); ok {
		laws = slices.Concat(laws, versionLaws)
	}
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) { c.hold(t, newStore, l) })
	}
	if c.down != nil {
		t.Run(downLaw.name, func(t *testing.T) { c.hold(t, c.down, downLaw) })
	}
}

// An Option says what Run has to know about the store.
type Option func(*config)

type config struct {
	fakeClock bool
	down      func(t *testing.T) session.Store

	// leak is for the test of this package alone: what a careless application
	// of the law about secrets makes of its token and puts into its data.
	leak func(token string) string
}

// FakeClock is an Option, to be passed as it is. It runs each law in a bubble
// of testing/synctest, where time stands still until all wait for it: for a
// store that lives in this process and takes the time from the package time.
func FakeClock(c *config) { c.fakeClock = true }

// Down adds the law about a backend that is down. newStore returns a store
// whose backend cannot be reached: nobody listens, say, or nobody answers.
func Down(newStore func(t *testing.T) session.Store) Option {
	return func(c *config) { c.down = newStore }
}

func (c *config) hold(t *testing.T, newStore func(t *testing.T) session.Store, l law) {
	if !c.fakeClock {
		l.hold(&trial{T: t, config: c, store: newStore(t)})
		return
	}
	synctest.Test(t, func(t *testing.T) {
		l.hold(&trial{T: t, config: c, store: newStore(t)})
	})
}

// A law is a part of the contract that a test can see broken.
type law struct {
	name  string
	text  string // what it demands, shown when it is broken
	check func(t *trial)
}

func (l law) hold(t *trial) {
	defer func() {
		if t.Failed() {
			t.Log("the law: " + l.text)
		}
	}()
	l.check(t)
}
