package session

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestGate: of callers that come all the time, and of whom some give up, one is
// inside at a time, and none is forgotten.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it fails at once if all wait
		const callers, rounds = 8, 2000
		var g gate
		var entered int // the race detector, and the count, tell if two are inside
		var gaveUp atomic.Int64
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				for n := range rounds {
					ctx, cancel := context.WithCancel(t.Context())
					if n%4 == i%4 {
						go cancel()
					}
					if g.enter(ctx) != nil {
						gaveUp.Add(1)
					} else {
						before := entered
						runtime.Gosched()
						entered = before + 1
						g.leave()
					}
					cancel()
				}
			})
		}
		all.Wait()
		if want := callers*rounds - int(gaveUp.Load()); entered != want || want == 0 {
			t.Errorf("%d were inside, want %d", entered, want)
		}
		if err := g.enter(t.Context()); err != nil || len(g.waiting) > 0 {
			t.Errorf("the gate was not left free: %v, and %d wait", err, len(g.waiting))
		}
	})
}

// TestGateForgetsNobody: of two who come to a free gate at once, neither waits for a
// turn that nobody gives.
func TestGateForgetsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 50_000 {
			var g gate
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					if err := g.enter(t.Context()); err != nil {
						t.Error(err)
					}
					g.leave()
				})
			}
			all.Wait()
		}
	})
}

// TestGateOrder: those who wait come in as they came, without the one who gave up.
func TestGateOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		came := make(chan int, 5)
		var all sync.WaitGroup
		for i := range 5 {
			ctx := t.Context()
			if i == 2 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Second)
				defer cancel()
			}
			all.Go(func() {
				if err := g.enter(ctx); err != nil {
					came <- -i
					return
				}
				came <- i
				time.Sleep(time.Second)
				g.leave()
			})
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		g.leave()
		all.Wait()
		close(came)
		var order []int
		for i := range came {
			order = append(order, i)
		}
		if want := []int{-2, 0, 1, 3, 4}; !slices.Equal(order, want) {
			t.Errorf("they came in as %v, want %v", order, want)
		}
	})
}
