package redis_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/servers"
)

// A history is what several clients did and saw, and when. An operation that
// failed may have been done at any time after, or never: it has no end.
type history struct {
	mu         sync.Mutex
	start      time.Time
	operations []porcupine.Operation
}

// record does something, which returns nil where nobody knows what came of it.
func (h *history) record(client int, input any, do func() (output any)) {
	call := time.Since(h.start)
	output := do()
	end := time.Since(h.start).Nanoseconds()
	if output == nil {
		end = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: input, Call: call.Nanoseconds(), Output: output, Return: end,
	})
}

// wantLinearizable checks that there is an order of the operations in which
// each took effect between its beginning and its end.
func (h *history) wantLinearizable(t *testing.T, model porcupine.Model) {
	t.Helper()
	unknown := 0
	for _, o := range h.operations {
		if o.Output == nil {
			unknown++
		}
	}
	t.Logf("%d operations, %d of them with an unknown outcome", len(h.operations), unknown)
	assert.NotZero(t, unknown, "nothing was cut")
	for _, part := range model.Partition(h.operations) {
		result := porcupine.CheckOperationsTimeout(model, part, patience)
		if !assert.Equal(t, porcupine.Ok, result) {
			slices.SortFunc(part, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
			for _, o := range part {
				t.Logf("%10d to %19d ns: client %d: %v: %v", o.Call, o.Return, o.ClientId, o.Input, o.Output)
			}
		}
	}
}

// A fragile connection breaks at times: before a command has left, or when its
// reply is due.
type fragile struct{ net.Conn }

const breaks = 20 // one call of so many

func (c fragile) Write(b []byte) (int, error) {
	if rand.N(breaks) == 0 {
		return 0, errors.Join(errors.New("broken before the command has left"), c.Close())
	}
	return c.Conn.Write(b)
}

func (c fragile) Read(b []byte) (int, error) {
	if rand.N(breaks) == 0 {
		return 0, errors.Join(errors.New("broken before the reply"), c.Close())
	}
	return c.Conn.Read(b)
}

func connectFragile(t testing.TB, s *servers.Server) *redis.Client {
	t.Helper()
	return closed(t, redis.NewClient(&redis.Options{
		Addr: s.Addr(), ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return fragile{c}, err
		},
	}))
}

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

// registers is the contract of a store.
var registers = porcupine.Model{
	Partition: partition(func(input any) int { return input.(call).id }),
	Init:      func() any { return register{} },
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

// partition splits a history into those of each ID, which are independent.
func partition(id func(input any) int) func([]porcupine.Operation) [][]porcupine.Operation {
	return func(all []porcupine.Operation) [][]porcupine.Operation {
		parts := map[int][]porcupine.Operation{}
		for _, o := range all {
			parts[id(o.Input)] = append(parts[id(o.Input)], o)
		}
		return slices.Collect(maps.Values(parts))
	}
}

// TestHistoryOfStore checks what several clients of the store see of a record.
func TestHistoryOfStore(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	var stores []*sessionredis.Store
	for range 4 {
		stores = append(stores, sessionredis.New(connectFragile(t, server), nil))
	}
	h := &history{start: time.Now()}
	for i := range 30 {
		id := session.NewID()
		var all, created sync.WaitGroup
		created.Add(len(stores))
		for client, store := range stores {
			all.Go(func() {
				var seen register
				for n := range 10 {
					c := call{i, []string{"Load", "Touch", "Update", "Update", "Update"}[rand.N(5)], register{seen.version, fmt.Sprint(client, " ", n)}}
					switch {
					case n == 0:
						c.method, c.version = "Create", 1
					case n == 9 || rand.N(60) == 0:
						c.method = "Delete"
					case seen.version == 0:
						c.method = "Load"
					}
					h.record(client, c, func() any {
						out, known := do(t, store, id, c)
						if seen.version = 0; c.method == "Load" && known {
							seen = out.register
						}
						if known {
							return out
						}
						return nil
					})
					if n == 0 {
						// A deletion whose reply is lost is repeated, which is of no
						// account as an ID that was deleted is not created again.
						created.Done()
						created.Wait()
					}
				}
			})
		}
		all.Wait()
	}
	h.wantLinearizable(t, registers)
}

// do makes a call, and tells whether it is known what came of it.
func do(t testing.TB, store session.Store, id session.ID, c call) (out result, known bool) {
	r := session.Record{ID: id, Version: c.version, ExpiresAt: in(time.Hour), Data: []byte(c.data)}
	var err error
	switch ctx := within(t); c.method {
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
	for _, n := range named {
		if errors.Is(err, n) {
			out.err = n
		}
	}
	return out, err == nil || out.err != nil
}

type visit struct {
	who    int
	target string
}

// visitors is a site on which each visitor counts.
var visitors = porcupine.Model{
	Partition: partition(func(input any) int { return input.(visit).who }),
	Init:      func() any { return 1 },
	Step: func(state, input, output any) (bool, any) {
		n := state.(int)
		if input.(visit).target == countNow {
			n++
		}
		return output == nil || output == n, n
	},
}

const countNow = "/count?now"

// TestHistoryOfSite checks what several tabs of a browser see of a session.
func TestHistoryOfSite(t *testing.T) {
	t.Parallel()
	si := newSite(t, connectFragile(t, servers.Redis(t)))
	h := &history{start: time.Now()}
	si.during(func() {
		for i := range 15 {
			v := si.visitor()
			for !v.post("/count").ok() {
			}
			var all sync.WaitGroup
			for tab := range 4 {
				all.Go(func() {
					for range 10 {
						do := visit{i, []string{countNow, "/read"}[rand.N(2)]}
						h.record(tab, do, func() (n any) {
							if a := v.post(do.target); a.ok() {
								n, err := strconv.Atoi(strings.TrimSpace(a.body))
								assert.NoError(t, err)
								return n
							}
							return nil
						})
					}
				})
			}
			all.Wait()
		}
	})
	h.wantLinearizable(t, visitors)
}
