package redis_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/servers"
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
			count, leave, enter := si.visitor(), si.visitor(), si.visitor()
			require.True(t, count.post("/count").ok())
			require.True(t, leave.post("/login?as=alice").ok())
			require.True(t, enter.post("/count").ok())
			first := si.visitor()
			before := enter.token()

			var held []<-chan answer // on connections that are in the pool then
			for _, r := range []struct {
				*visitor
				target string
			}{{count, "/count?hold"}, {leave, "/logout?hold"}, {enter, "/login?as=bob&hold"}, {first, "/count?hold"}} {
				held = append(held, r.hold(t, r.target))
			}
			si.during(func() {
				require.NoError(t, server.Signal(syscall.SIGSTOP))
				si.release()
				var all sync.WaitGroup
				for i := range 40 { // more than there are connections in the pool
					target := []string{"/count", "/read", "/login?as=carol", "/logout", "/revoke?whose=carol"}[i%5]
					all.Go(func() { assert.False(t, count.post(target).ok(), "POST %s, while the server is frozen", target) })
				}
				all.Wait()
				for _, answered := range held {
					assert.False(t, (<-answered).ok(), "a change that had begun before")
				}
				require.NoError(t, server.Signal(syscall.SIGCONT))
			})

			n := 1
			_, err := fmt.Sscan(count.post("/read").body, &n)
			assert.NoError(t, err, "the first request after it goes on")
			assert.Contains(t, []int{1, 2}, n, "one increment that was a success, and one that may have been done late")
			assert.True(t, count.post("/count").ok())
			assert.Equal(t, answer{200, fmt.Sprint(n+1, " ")}, count.post("/read"), "what is executed late does no harm")

			assert.Contains(t, []answer{{200, "0 alice"}, {200, "new"}}, leave.post("/read"), "logged out, or not")
			assert.Contains(t, []answer{{200, "1 "}, {200, "new"}}, enter.post("/read"), "logged in with a cookie that nobody got, or not")
			assert.Equal(t, before, enter.token())
			assert.Empty(t, first.token())
			assert.Equal(t, answer{200, "new"}, first.post("/read"))
		})
	}
}
