package main

import (
	"context"
	"crypto/rand"
	"sync"
)

// Holds make requests wait, so that a proof decides what comes first.
type holds struct {
	mu   sync.Mutex // guards open
	open map[string]*hold
}

// A hold is a place where requests wait.
type hold struct {
	name    string
	arrived chan struct{} // gets one for each request
	let     chan struct{} // is closed when they may go on
	release func()
}

func (h *holds) add() *hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == nil {
		h.open = map[string]*hold{}
	}
	let := make(chan struct{})
	added := &hold{rand.Text(), make(chan struct{}), let, sync.OnceFunc(func() { close(let) })}
	h.open[added.name] = added
	return added
}

func (h *holds) remove(old *hold) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, old.name)
	old.release()
}

// wait makes a request wait at the hold of a name. Without one it goes on.
func (h *holds) wait(name string) {
	h.mu.Lock()
	at := h.open[name]
	h.mu.Unlock()
	if at == nil {
		return
	}
	select {
	case at.arrived <- struct{}{}:
		<-at.let
	case <-at.let:
	}
}

// await waits until so many requests wait.
func (at *hold) await(ctx context.Context, requests int) error {
	for range requests {
		select {
		case <-at.arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
