package stress

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	session "github.com/gostateful/session/core"
)

type (
	// A register is what is stored under one ID.
	register struct {
		version uint64 // zero: absent
		data    string
	}
	call struct {
		id     int
		method string
		register
	}
	result struct {
		register // that Load found
		err      error
	}
)

func (c call) object() int { return c.id }

func (c call) reads() bool { return c.method == "Load" || c.method == "Touch" }

// registers is the contract of a store, but for time and subjects.
var registers = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		s, in := state.(register), input.(call)
		next, err := s, error(nil)
		switch {
		case in.method == "Create" && s.version == 0:
			next = in.register
		case in.method == "Create":
			err = session.ErrExists
		case in.method == "Delete":
			next = register{}
		case s.version == 0:
			err = session.ErrNotFound
		case in.method == "Update" && s.version == in.version:
			next = register{in.version + 1, in.data}
		case in.method == "Update":
			err = session.ErrConflict
		}
		if output == nil {
			return true, next
		}
		out := output.(result)
		return out.err == err && (in.method != "Load" || err != nil || out.register == s), next
	},
}

// RecordStore begins the history of one record after the other, each of which
// several clients use at once: one for each store, all of one backend.
func RecordStore(t testing.TB, stores ...session.Store) *History {
	return newHistory(t, registers, func(h *History, object int) {
		id := session.NewID()
		var all, created sync.WaitGroup
		created.Add(len(stores))
		for client, store := range stores {
			all.Go(func() { h.use(&punctual{store, t}, id, client, object, &created) })
		}
		all.Wait()
	})
}

// use is what one client does to a record.
func (h *History) use(store session.Store, id session.ID, client, object int, created *sync.WaitGroup) {
	var seen register
	lost := false // the outcome of the last call
	for n := 0; n < 10; {
		c := call{object, []string{"Load", "Touch", "Update", "Update", "Update"}[rand.N(5)], register{seen.version, fmt.Sprint(client, " ", n)}}
		switch {
		case n == 0:
			c.method, c.version = "Create", 1
		case !h.goesOn():
			return
		case lost:
			c.method = "Load"
		case n == 9 || rand.N(60) == 0:
			c.method = "Delete"
		case seen.version == 0:
			c.method = "Load"
		}
		recorded := h.record(client, c, func() any {
			out, known := c.do(h.t, store, id)
			if seen.version = 0; c.method == "Load" && known {
				seen = out.register
			}
			if lost = !known; lost {
				return nil
			}
			return out
		})
		if n == 0 {
			// A deletion whose reply is lost is repeated, which is of no
			// account as an ID that was deleted is not created again.
			created.Done()
			created.Wait()
		}
		if recorded {
			n++
		}
	}
}

// do makes a call, and tells whether it is known what came of it.
func (c call) do(t testing.TB, store session.Store, id session.ID) (out result, known bool) {
	ctx, cancel := context.WithTimeout(t.Context(), StoreTimeout)
	defer cancel()
	r := session.Record{ID: id, Version: c.version, ExpiresAt: in(time.Hour), Data: []byte(c.data)}
	var err error
	switch c.method {
	case "Load":
		r, err = store.Load(ctx, id)
		out.register = register{r.Version, string(r.Data)}
	case "Touch":
		err = store.Touch(ctx, id, in(2*time.Hour))
	case "Create":
		err = store.Create(ctx, r)
	case "Update":
		err = store.Update(ctx, r)
	case "Delete":
		err = store.Delete(ctx, id)
	}
	out.err = Named(err)
	return out, err == nil || out.err != nil
}
