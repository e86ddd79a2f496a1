package memory

// A heap has the entry that expires soonest in front. Each entry knows its
// place. It is container/heap without the interface and its allocations.
type heap []*entry

func (h *heap) push(e *entry) {
	e.place = len(*h)
	*h = append(*h, e)
	h.up(e.place)
}

// remove takes out an entry at any place, and frees memory when most of it is
// unused.
func (h *heap) remove(e *entry) {
	last := len(*h) - 1
	i := e.place
	if i != last {
		h.swap(i, last)
	}
	(*h)[last] = nil
	*h = (*h)[:last]
	if i != last {
		h.fix((*h)[i])
	}
	if cap(*h) > tableMin && last < cap(*h)/4 {
		*h = append(make(heap, 0, 2*last), *h...)
	}
}

// fix moves an entry to its place after its expiry has changed.
func (h *heap) fix(e *entry) {
	if i := e.place; !h.up(i) {
		h.down(i)
	}
}

// up reports whether the entry moved.
func (h *heap) up(i int) bool {
	start := i
	for i > 0 {
		parent := (i - 1) / 2
		if (*h)[parent].expires <= (*h)[i].expires {
			break
		}
		h.swap(i, parent)
		i = parent
	}
	return i != start
}

func (h *heap) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(*h) {
			return
		}
		if right := child + 1; right < len(*h) && (*h)[right].expires < (*h)[child].expires {
			child = right
		}
		if (*h)[i].expires <= (*h)[child].expires {
			return
		}
		h.swap(i, child)
		i = child
	}
}

func (h *heap) swap(i, j int) {
	(*h)[i], (*h)[j] = (*h)[j], (*h)[i]
	(*h)[i].place, (*h)[j].place = i, j
}
