package session_test

import (
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
)

// The store that the engine is tested with keeps the contract.
func TestTestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return newTestStore() }, storetest.FakeClock)
}
