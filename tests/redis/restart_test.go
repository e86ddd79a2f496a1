package redis_test

import (
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestKilled kills a server that keeps what it acknowledges, under load.
func TestKilled(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	opts := &redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, PoolSize: 20}
	si := newSite(t, closed(t, redis.NewClient(opts)))
	c := stress.NewCrowd(si)
	for range 3 {
		c.AwaitServed(300)
		si.During(func() {
			server.Kill()
			// By then the client has failed to connect 20 times, and tries
			// no more than once a second.
			c.AwaitRefused(10)
			require.NoError(t, server.Start())
		})
		assert.True(t, si.Visitor().Post("/count").OK(), "the first request after the server is back")
	}
	c.AwaitServed(300)
	c.Leave()
}

// TestKilledForgets kills a server that keeps nothing: visitors become unknown,
// and only by that.
func TestKilledForgets(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	si := newSite(t, connect(t, server))
	v := si.Visitor()
	require.True(t, v.Post("/login?as=alice").OK())
	token := v.Token()
	si.During(func() {
		server.Kill()
		var all sync.WaitGroup
		for _, target := range []string{"/read", "/count", "/logout", "/login?as=alice", "/revoke?whose=alice"} {
			all.Go(func() { assert.False(t, v.Post(target).OK(), "POST %s, when there is no server", target) })
			all.Go(func() { assert.False(t, v.Post(target).OK(), "POST %s, when there is no server", target) })
		}
		all.Wait()
		require.NoError(t, server.Start())
	})
	assert.Equal(t, stress.OK("new"), v.Post("/read"), "Redis has lost the session")
	assert.Equal(t, token, v.Token(), "the cookie is good again when the data is brought back")
	assert.Equal(t, stress.OK("new"), v.Post("/count"))
	assert.NotEqual(t, token, v.Token(), "a token that Redis does not know is not adopted")
	assert.Equal(t, stress.OK("1 "), v.Post("/read"))
}
