package storetest_test

import (
	"testing"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
)

func TestReference(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return newReference() }, storetest.FakeClock)
}

// TestRealClock keeps the laws that wait from depending on the fake clock.
func TestRealClock(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return newReference() })
}
