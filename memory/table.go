package memory

// A table is a map that returns memory. A map of Go never shrinks, so the
// memory for a rush of visitors would stay in use until the process ends.
type table[K comparable, V any] struct {
	m    map[K]V
	peak int // the most that m has held
}

// tableMin is the number of places up to which shrinking is not worthwhile.
const tableMin = 32

func (t *table[K, V]) put(key K, value V) {
	if t.m == nil {
		t.m = map[K]V{}
	}
	t.m[key] = value
	t.peak = max(t.peak, len(t.m))
}

// remove moves the rest to a smaller map when three quarters are gone. The move
// costs as much as a third of the removals since the map was full.
func (t *table[K, V]) remove(key K) {
	delete(t.m, key)
	if t.peak <= tableMin || len(t.m) > t.peak/4 {
		return
	}
	smaller := make(map[K]V, len(t.m))
	for key, value := range t.m {
		smaller[key] = value
	}
	t.m, t.peak = smaller, len(smaller)
}
