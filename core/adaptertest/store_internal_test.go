package adaptertest

import (
	"testing"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/plainstore"
	"github.com/gostateful/session/core/storetest"
)

// The store that adapters are tested with keeps the contract.
func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store {
		return &store{Store: plainstore.New(), failing: map[string]failure{}}
	}, storetest.FakeClock)
}
