package memory_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// TestExpiresAsItWorks lets many sessions expire at once. Each call then
// removes some, and no call removes many.
func TestExpiresAsItWorks(t *testing.T) {
	const many = 5000
	id := session.NewID() // the same for all calls: no shard may be left out
	for name, call := range map[string]func(ctx context.Context, s *memory.Store){
		"Load":   func(ctx context.Context, s *memory.Store) { _, _ = s.Load(ctx, id) },
		"Update": func(ctx context.Context, s *memory.Store) { _ = s.Update(ctx, session.Record{ID: id}) },
		"Touch":  func(ctx context.Context, s *memory.Store) { _ = s.Touch(ctx, id, time.Now()) },
		"Delete": func(ctx context.Context, s *memory.Store) { _ = s.Delete(ctx, id) },
		"Create": func(ctx context.Context, s *memory.Store) {
			_ = s.Create(ctx, session.Record{ID: id, ExpiresAt: time.Now().Add(time.Hour)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory.New(nil)
				for i := range many {
					create(t, s, record(fmt.Sprint(i%100)))
				}
				if got := s.Len(); got != many {
					t.Fatalf("Len: got %d, want %d", got, many)
				}
				time.Sleep(time.Hour)
				calls := 0
				for before := s.Len(); before > 1; calls++ {
					call(t.Context(), s)
					removed := before - s.Len()
					if removed > memory.ExpireAtMost {
						t.Fatalf("call %d: removed %d expired sessions, want at most %d", calls, removed, memory.ExpireAtMost)
					}
					// It finds at least one in each turn through the shards,
					// and two as long as its own has some.
					if before -= removed; calls > many {
						t.Fatalf("after %d calls: Len: got %d, want all expired sessions removed", calls, s.Len())
					}
				}
				check(t, s)
				if got := s.Places(); got > memory.PlacesAtLeast {
					t.Errorf("when all have expired: memory for %d entries is held, want at most %d", got, memory.PlacesAtLeast)
				}
			})
		})
	}
}

// TestMovesAreBounded: to return memory, the rest of a locked shard moves. A
// larger shard takes longer, but more removals come before its move. The test
// counts moves, because their time says more about the machine: for a shard
// with 156,000 sessions, as in a store with 10 million, a table took 2.4 ms and
// a heap 0.12 ms.
func TestMovesAreBounded(t *testing.T) {
	for _, many := range []int{33, 1000, 156_000} {
		if all, most := memory.MovesOfTable(many); most == 0 || most > many/4 || all > many/3 {
			t.Errorf("a table: removing %d entries moved %d, and %d at once, want a third, and a quarter", many, all, most)
		}
		// A heap has more room than its table counts, and moves to half as much.
		if all, most := memory.MovesOfHeap(many); most == 0 || most > many/2 || all > many {
			t.Errorf("a heap: removing %d entries moved %d, and %d at once, want at most as many, and half", many, all, most)
		}
	}
}

// TestExpiredDoNotPileUp: visitors come all the time, and nobody returns.
func TestExpiredDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const live = 1000
		s := memory.New(nil)
		for i := range 20 * live {
			r := record(fmt.Sprint("subject ", i))
			r.ExpiresAt = time.Now().Add(live * time.Millisecond)
			create(t, s, r)
			time.Sleep(time.Millisecond)
			if s.Len() > live+live/5 {
				t.Fatalf("after %d sessions of which %d are live: Len: got %d, want a few more than the live ones", i, live, s.Len())
			}
		}
		check(t, s)
	})
}

// TestCreatesWhatHasExpired again, while there are more expired sessions than
// a call removes.
func TestCreatesWhatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 2000
		s := memory.New(nil)
		records := make([]session.Record, many)
		for i := range records {
			r := record("before")
			r.ExpiresAt = r.ExpiresAt.Add(time.Duration(i) * time.Millisecond)
			records[i] = create(t, s, r)
		}
		time.Sleep(2 * time.Hour)
		for i := range 100 { // the last to expire, so still there
			r := records[many-1-i]
			r.Subject, r.ExpiresAt = "after", time.Now().Add(time.Hour)
			create(t, s, r)
			check(t, s)
		}
		for subject, want := range map[string]int{"before": 0, "after": 100} {
			if got, err := s.List(t.Context(), subject); len(got) != want || err != nil {
				t.Errorf("List(%q): got %d records and error %v, want %d", subject, len(got), err, want)
			}
		}
	})
}
