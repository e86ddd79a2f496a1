package session

import (
	"hash/maphash"
	"sync/atomic"
)

// A cache keeps decoded values of sessions that were read or written lately, so
// that the next request copies one instead of decoding it again. It serves nothing
// that has ended or is out of date: each request reads its record from the store,
// and takes the value of the write that the record is from.
//
// It is an array of places. A session's ID determines its place, and the newest
// value takes it. So the cache has no locks, and its size is bounded.
type cache[T any] struct {
	seed   maphash.Seed
	places [cacheSize]atomic.Pointer[cached[T]]
}

const (
	cacheSize    = 2048
	cacheMaxData = 4096 // bytes of encoded data; larger values are not kept
)

// A cached value is what the data of a write decodes to. Nobody may change it.
type cached[T any] struct {
	write
	value *T
}

// A write names one version of a session's data, on any store and from any
// program. The zero write is none.
type write struct {
	id   ID
	mark [8]byte // envelope.mark
}

func newCache[T any]() *cache[T] { return &cache[T]{seed: maphash.MakeSeed()} }

func (c *cache[T]) place(id ID) *atomic.Pointer[cached[T]] {
	return &c.places[maphash.Bytes(c.seed, id[:])%cacheSize]
}

// get returns the value of a write, or nil.
func (c *cache[T]) get(w write) *T {
	if c == nil {
		return nil
	}
	if found := c.place(w.id).Load(); found != nil && found.write == w {
		return found.value
	}
	return nil
}

// put keeps the value of a write, whose data has this size.
func (c *cache[T]) put(w write, value *T, size int) {
	if c != nil && w != (write{}) && size <= cacheMaxData {
		c.place(w.id).Store(&cached[T]{w, value})
	}
}
