package memory_test

import (
	"testing"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
	"github.com/gostateful/session/memory"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return memory.New(nil) }, storetest.FakeClock)
}

func TestBoundedStore(t *testing.T) {
	newStore := func(*testing.T) session.Store { return memory.New(&memory.Options{MaxSessions: 10_000}) }
	storetest.Run(t, newStore, storetest.FakeClock)
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(*testing.B) session.Store { return memory.New(nil) })
}
