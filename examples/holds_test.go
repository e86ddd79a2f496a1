package main

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestHold: requests wait until they are released, or the hold is removed.
func TestHold(t *testing.T) {
	for name, end := range map[string]func(*holds, *hold){
		"release": func(_ *holds, at *hold) { at.release() },
		"remove":  func(h *holds, at *hold) { h.remove(at) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var h holds
				h.wait("nobody's") // returns
				at, gone := h.add(), make(chan struct{}, 2)
				for range 2 {
					go func() { h.wait(at.name); gone <- struct{}{} }()
				}
				if err := at.await(t.Context(), 2); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if len(gone) != 0 {
					t.Errorf("%d requests went on, want none yet", len(gone))
				}
				end(&h, at)
				synctest.Wait()
				if len(gone) != 2 {
					t.Errorf("%d requests went on, want 2", len(gone))
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := h.add().await(ctx, 1); err == nil {
					t.Error("got no error of a proof that is over")
				}
			})
		})
	}
}
