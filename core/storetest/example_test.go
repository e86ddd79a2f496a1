package storetest_test

import (
	"fmt"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
)

// In the tests of a store this would be TestStore. The store of this example
// lives in the process of its test, so it can take the time from a fake clock;
// one with a server would leave FakeClock out, and add Down with a store that
// connects to an address at which nobody listens.
func testMyStore(t *testing.T) {
	newStore := func(t *testing.T) session.Store { return newReference() }
	storetest.Run(t, newStore, storetest.FakeClock)
}

// And this BenchmarkStore.
func benchmarkMyStore(b *testing.B) {
	newStore := func(b *testing.B) session.Store { return newReference() }
	storetest.Benchmark(b, newStore)
}

func Example() {
	tests := []testing.InternalTest{{Name: "TestStore", F: testMyStore}}
	benchmarks := []testing.InternalBenchmark{{Name: "BenchmarkStore", F: benchmarkMyStore}}
	fmt.Println("go test -race -bench . runs", tests[0].Name, "and", benchmarks[0].Name)
	// Output:
	// go test -race -bench . runs TestStore and BenchmarkStore
}
