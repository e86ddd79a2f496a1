package explore

import (
	"bytes"
	"context"
	"slices"
	"time"
	"unsafe"

	session "github.com/gostateful/session/core"
)

// A store keeps the Store contract in the plainest way. Before each call takes
// effect its gate decides what becomes of it; a nil gate lets all pass.
type store struct {
	gate    func(ctx context.Context, c *call) error
	records map[session.ID]*entry
	given   map[*byte]string // the data of all records, which nobody may change
	reused  bool             // memory that a record has was given again with other data
}

// An entry is a record, and which writes made it what it is.
type entry struct {
	session.Record
	origin  uint64 // the call that wrote the data
	expiry  uint64 // the call that moved the expiry
	creator uint64
}

// A call is one call of the store. do makes it take effect.
type call struct {
	method string
	id     session.ID
	writes bool
	origin uint64       // names the call by what its actor has seen before it
	reply  uint64       // what the actor learns, in the same terms
	done   bool         // it took effect, and changed something
	gone   []session.ID // what it deleted
	op     *op          // that makes it
	do     func(c *call) error
}

func (s *store) call(ctx context.Context, c *call) error {
	if s.gate == nil {
		return c.do(c)
	}
	return s.gate(ctx, c)
}

func (s *store) live(id session.ID) *entry {
	if e := s.records[id]; e != nil && time.Now().Before(e.ExpiresAt) {
		return e
	}
	return nil
}

// keep makes a record as it is stored. It shares its data with the engine.
func (s *store) keep(r session.Record) session.Record {
	if len(r.Data) > 0 {
		old, known := s.given[&r.Data[0]]
		s.reused = s.reused || known && old != string(r.Data)
		s.given[&r.Data[0]] = string(r.Data)
	}
	r.ExpiresAt = r.ExpiresAt.Truncate(time.Millisecond)
	return r
}

// changed reports whether the engine has changed data that the store has.
func (s *store) changed() bool {
	for first, data := range s.given {
		if unsafe.String(first, len(data)) != data {
			return true
		}
	}
	return s.reused
}

func (s *store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	var found session.Record
	err := s.call(ctx, &call{method: "Load", id: id, do: func(c *call) error {
		e := s.live(id)
		if e == nil {
			return session.ErrNotFound
		}
		found, c.reply = e.Record, mix(e.creator, e.origin, e.expiry)
		return nil
	}})
	if err != nil {
		return session.Record{}, err
	}
	return found, nil
}

func (s *store) Create(ctx context.Context, r session.Record) error {
	return s.call(ctx, &call{method: "Create", id: r.ID, writes: true, do: func(c *call) error {
		if s.live(r.ID) != nil {
			return session.ErrExists
		}
		s.records[r.ID] = &entry{Record: s.keep(r), origin: c.origin, expiry: c.origin, creator: c.origin}
		c.done = true
		return nil
	}})
}

func (s *store) Update(ctx context.Context, r session.Record) error {
	return s.call(ctx, &call{method: "Update", id: r.ID, writes: true, do: func(c *call) error {
		e := s.live(r.ID)
		switch {
		case e == nil:
			return session.ErrNotFound
		case e.Version != r.Version:
			return session.ErrConflict
		}
		if r.ExpiresAt.IsZero() {
			r.ExpiresAt = e.ExpiresAt
		} else {
			e.expiry = c.origin
		}
		r.Version++
		e.Record, e.origin = s.keep(r), c.origin
		c.done = true
		return nil
	}})
}

func (s *store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	return s.call(ctx, &call{method: "Touch", id: id, writes: true, do: func(c *call) error {
		e := s.live(id)
		if e == nil {
			return session.ErrNotFound
		}
		if t := expiresAt.Truncate(time.Millisecond); t.After(e.ExpiresAt) {
			e.ExpiresAt, e.expiry = t, c.origin
		}
		return nil
	}})
}

func (s *store) Delete(ctx context.Context, id session.ID) error {
	return s.call(ctx, &call{method: "Delete", id: id, writes: true, do: func(c *call) error {
		if c.done = s.live(id) != nil; c.done {
			c.gone = []session.ID{id}
		}
		delete(s.records, id)
		return nil
	}})
}

func (s *store) List(ctx context.Context, subject string) ([]session.Record, error) {
	var found []session.Record
	err := s.call(ctx, &call{method: "List", do: func(c *call) error {
		for id, e := range s.records {
			if subject != "" && e.Subject == subject && s.live(id) != nil {
				found = append(found, e.Record)
				c.reply += mix(e.creator, e.origin, e.expiry) // in any order
			}
		}
		slices.SortFunc(found, func(a, b session.Record) int { return bytes.Compare(b.ID[:], a.ID[:]) })
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (s *store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	n := 0
	err := s.call(ctx, &call{method: "DeleteAll", writes: true, do: func(c *call) error {
		for id, e := range s.records {
			if subject != "" && e.Subject == subject && s.live(id) != nil && !slices.Contains(except, id) {
				delete(s.records, id)
				c.gone = append(c.gone, id)
				n++
			}
		}
		c.done, c.reply = n > 0, uint64(n)
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// mix combines numbers into one that tells them apart, their order included.
// It is the finalizer of splitmix64, over and over.
func mix(parts ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h ^= p
		h += 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

func mixString(h uint64, s string) uint64 {
	for i := range len(s) {
		h = mix(h, uint64(s[i]))
	}
	return h
}
