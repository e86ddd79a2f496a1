package explore

import (
	"context"
	"errors"
	"sync"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
)

// TestStore holds the explorer's own store to the contract: what it shows of
// the engine must not be the store's fault.
func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store {
		var one sync.Mutex // the scheduler's part
		return &store{records: map[session.ID]*entry{}, given: map[*byte]string{}, gate: func(ctx context.Context, c *call) error {
			one.Lock()
			defer one.Unlock()
			if err := ctx.Err(); err != nil {
				return err
			}
			if c.method == "Create" && c.id.IsZero() {
				return errors.New("explore: the zero ID names no session")
			}
			return c.do(c)
		}}
	}, storetest.FakeClock)
}
