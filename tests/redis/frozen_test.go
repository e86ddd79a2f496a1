package redis_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestFrozen stops a server that then still takes connections and commands, and
// executes them when it goes on.
func TestFrozen(t *testing.T) {
	for name, opts := range map[string]*redis.Options{
		"recommended": {ContextTimeoutEnabled: true, PoolSize: 20},
		"defaults":    {PoolSize: 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := servers.Redis(t)
			opts.Addr = server.Addr()
			si := newSite(t, closed(t, redis.NewClient(opts)))
			count, leave, enter := si.Visitor(), si.Visitor(), si.Visitor()
			require.True(t, count.Post("/count").OK())
			require.True(t, leave.Post("/login?as=alice").OK())
			require.True(t, enter.Post("/count").OK())
			first := si.Visitor()
			before := enter.Token()

			var held []<-chan stress.Answer // on connections that are in the pool then
			for _, r := range []struct {
				*stress.Visitor
				target string
			}{{count, "/count?hold"}, {leave, "/logout?hold"}, {enter, "/login?as=bob&hold"}, {first, "/count?hold"}} {
				held = append(held, r.Hold(r.target))
			}
			si.During(func() {
				require.NoError(t, server.Signal(syscall.SIGSTOP))
				si.Release()
				var all sync.WaitGroup
				for i := range 40 { // more than there are connections in the pool
					target := []string{"/count", "/read", "/login?as=carol", "/logout", "/revoke?whose=carol"}[i%5]
					all.Go(func() { assert.False(t, count.Post(target).OK(), "POST %s, while the server is frozen", target) })
				}
				all.Wait()
				for _, answered := range held {
					assert.False(t, (<-answered).OK(), "a change that had begun before")
				}
				require.NoError(t, server.Signal(syscall.SIGCONT))
			})

			n := 1
			_, err := fmt.Sscan(count.Post("/read").Body, &n)
			assert.NoError(t, err, "the first request after it goes on")
			assert.Contains(t, []int{1, 2}, n, "one increment that was a success, and one that may have been done late")
			assert.True(t, count.Post("/count").OK())
			assert.Equal(t, stress.OK(fmt.Sprint(n+1, " ")), count.Post("/read"), "what is executed late does no harm")

			assert.Contains(t, []stress.Answer{stress.OK("0 alice"), stress.OK("new")}, leave.Post("/read"), "logged out, or not")
			assert.Contains(t, []stress.Answer{stress.OK("1 "), stress.OK("new")}, enter.Post("/read"), "logged in with a cookie that nobody got, or not")
			assert.Equal(t, before, enter.Token())
			assert.Empty(t, first.Token())
			assert.Equal(t, stress.OK("new"), first.Post("/read"))
		})
	}
}
