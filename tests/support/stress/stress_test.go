package stress_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	"github.com/gostateful/session/tests/support/stress"
)

// loads are what there is, as the test of a store runs it.
var loads = map[string]func(t testing.TB, store *faulty){
	"crowd": func(t testing.TB, store *faulty) {
		c := stress.NewCrowd(stress.NewSite(t, store))
		c.AwaitServed(300)
		c.During(func() {
			store.down.Store(true)
			c.AwaitRefused(20)
			store.up()
		})
		c.AwaitServed(300)
		c.Leave()
	},
	"history of store": func(t testing.TB, store *faulty) {
		h := stress.RecordStore(t, store, store, store, store)
		for range 5 {
			h.Await(200)
			store.down.Store(true)
			h.AwaitUnknown(20)
			store.up()
		}
		h.Await(200)
		h.Check()
	},
	"history of site": func(t testing.TB, store *faulty) {
		s := stress.NewSite(t, store)
		s.During(func() {
			h := stress.RecordSite(s)
			for range 5 {
				h.Await(100)
				store.down.Store(true)
				h.AwaitUnknown(20)
				store.up()
			}
			h.Await(100)
			h.Check()
		})
	},
	"storm": func(t testing.TB, store *faulty) {
		s := stress.NewStorm()
		var all sync.WaitGroup
		for n := range uint64(4) {
			all.Go(func() { s.Blow(t.Context(), t, store, n, 500) })
		}
		all.Wait()
		s.Check(t, store)
	},
}

func TestCorrectStore(t *testing.T) {
	for name, load := range loads {
		t.Run(name, func(t *testing.T) { load(t, newFaulty(memory.New(nil))) })
	}
}

// TestBrokenStores holds the loads to what they have to see.
func TestBrokenStores(t *testing.T) {
	for name, test := range map[string]struct {
		wrap func(session.Store) session.Store
		seen []string // by which loads
	}{
		"loses all in a fault":       {nil, []string{"crowd", "history of store", "history of site"}},
		"Load is late":               {func(s session.Store) session.Store { return &late{Store: s} }, []string{"crowd", "history of store", "history of site"}},
		"Update ignores the version": {func(s session.Store) session.Store { return anyVersion{s} }, []string{"crowd", "history of store", "history of site"}},
		"Update does nothing":        {func(s session.Store) session.Store { return noUpdate{s} }, []string{"crowd", "history of store", "history of site"}},
		"Update revives":             {func(s session.Store) session.Store { return revives{s} }, []string{"history of store"}},
		"Update has a deadlock":      {func(s session.Store) session.Store { return deadlock{s} }, []string{"storm"}},
		"Delete does nothing":        {func(s session.Store) session.Store { return noDelete{s} }, []string{"history of store"}},
		"DeleteAll does nothing":     {func(s session.Store) session.Store { return noDeleteAll{s} }, []string{"crowd", "storm"}},
		"List finds nothing":         {func(s session.Store) session.Store { return noList{s} }, []string{"storm"}},
	} {
		for _, load := range test.seen {
			t.Run(name+"/"+load, func(t *testing.T) {
				store := newFaulty(memory.New(nil))
				if store.forgets = test.wrap == nil; test.wrap != nil {
					store = newFaulty(test.wrap(memory.New(nil)))
				}
				r := &recorder{TB: t}
				done := make(chan struct{})
				go func() { // which FailNow ends
					defer close(done)
					loads[load](r, store)
				}()
				<-done
				assert.True(t, r.Failed(), "nobody noticed")
			})
		}
	}
}

// TestProxy loses the reply to the third command, in each way.
func TestProxy(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var served sync.WaitGroup
	served.Go(func() {
		for c, err := echo.Accept(); err == nil; c, err = echo.Accept() {
			served.Go(func() {
				defer c.Close()
				buf := make([]byte, 100)
				for n, err := c.Read(buf); err == nil; n, err = c.Read(buf) {
					_, _ = c.Write(buf[:n])
				}
			})
		}
	})
	t.Cleanup(func() {
		require.NoError(t, echo.Close())
		served.Wait()
	})

	p := stress.NewProxy(t, echo.Addr().String())
	for how, dial := range map[string]func(...*stress.Proxy) func(context.Context, string, string) (net.Conn, error){
		"cut": stress.DialThrough, "silent": stress.DialThrough, "silent, to a hasty client": stress.DialHastily,
	} {
		t.Run(how, func(t *testing.T) {
			c, err := dial(p)(t.Context(), "tcp", echo.Addr().String())
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetWriteDeadline(time.Now().Add(stress.Patience)))
			p.Lose("command", 2, how != "cut")
			buf := make([]byte, 100)
			for n := range 2 {
				fmt.Fprint(c, "a command ", n)
				got, err := c.Read(buf)
				require.NoError(t, err)
				assert.Equal(t, fmt.Sprint("a command ", n), string(buf[:got]))
			}
			fmt.Fprint(c, "a command 2")
			if how == "silent" {
				stress.Await(t, func() bool { return p.Losses() == 1 })
				return
			}
			_, err = c.Read(buf)
			require.Error(t, err)
			assert.Equal(t, 1, p.Losses())
		})
	}
}
