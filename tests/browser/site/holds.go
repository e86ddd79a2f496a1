package site

import "sync"

// holds are the answers that wait, by a name that their test gives them.
type holds struct {
	mu  sync.Mutex
	all map[string]chan struct{}
}

// wait waits for release. It does not wait for "".
func (h *holds) wait(name string) {
	if name == "" {
		return
	}
	released := make(chan struct{})
	h.mu.Lock()
	if h.all == nil {
		h.all = map[string]chan struct{}{}
	}
	h.all[name] = released
	h.mu.Unlock()
	<-released
}

func (h *holds) held(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[name] != nil
}

func (h *holds) release(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if released := h.all[name]; released != nil {
		close(released)
		delete(h.all, name)
	}
}
