package explore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

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

// TestChangedData: the store sees when data that it has, or has returned, is written
// over, in place or by another record in the same memory.
func TestChangedData(t *testing.T) {
	for how, spoil := range map[string]func(s *store, r session.Record){
		"in place": func(_ *store, r session.Record) { r.Data[0]++ },
		"given again": func(s *store, r session.Record) {
			r.Data[0]++
			if err := s.Update(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		},
	} {
		s := &store{records: map[session.ID]*entry{}, given: map[*byte]string{}}
		r := session.Record{ID: session.NewID(), Version: 1, ExpiresAt: time.Now().Add(time.Hour), Data: []byte("data")}
		if err := s.Create(t.Context(), r); err != nil || s.changed() {
			t.Fatalf("at first: changed %v, error %v", s.changed(), err)
		}
		if spoil(s, r); !s.changed() {
			t.Errorf("%s: not seen", how)
		}
	}
}
