// Package storetest tests a [session.Store] against its contract. Each law is
// one subtest with a stable name. The author of a store calls [Run] from one
// test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) session.Store { return mystore.New(connect(t)) })
//	}
//
// If the store lives in the process of the test and takes the time from the
// package time, add [FakeClock]. Its expiry is then tested exactly and without
// waiting. If the store has a backend, add [Down]. If it is a
// [session.Iterable] or a [session.Watchable], Run tests the laws of that too.
// Also run the suite with the race detector.
//
// Each law uses session IDs and subjects of its own, and ignores all others. So
// stores may share a server with each other and with other data.
package storetest

import (
	"slices"
	"testing"
	"testing/synctest"

	session "github.com/gostateful/session/core"
)

// Run tests a store against the contract of session.Store, with one subtest for
// each law. newStore returns an empty store, or one with other content that
// nobody changes meanwhile. Run calls it once for each law, and once more to
// see whether the store is an Iterable or a Watchable.
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

// An Option tells [Run] about the store.
type Option func(*config)

type config struct {
	fakeClock bool
	down      func(t *testing.T) session.Store

	// leak is only for the tests of this package. It returns what a careless
	// application puts into its data, given its token.
	leak func(token string) string
}

// FakeClock is an [Option]: pass it without calling it. It runs each law in a
// bubble of [testing/synctest], where time stands still until everything waits
// for it. It is for a store that lives in this process and takes the time from
// the package time.
func FakeClock(c *config) { c.fakeClock = true }

// Down adds the law about a backend that is down. newStore returns a store
// whose backend cannot be reached: for example, nobody listens, or nobody
// answers.
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

// A law is a part of the contract that a test can check.
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
