package redis_test

import (
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/servers"
)

// TestKilled kills a server that keeps what it acknowledges, under load.
func TestKilled(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	opts := &redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, PoolSize: 20}
	si := newSite(t, closed(t, redis.NewClient(opts)))
	c := newCrowd(t, si)
	for range 3 {
		c.wait(t, &c.served, 300)
		si.during(func() {
			server.Kill()
			// By then the client has failed to connect 20 times, and tries
			// no more than once a second.
			c.wait(t, &c.refused, 10)
			require.NoError(t, server.Start())
		})
		assert.True(t, si.visitor().post("/count").ok(), "the first request after the server is back")
	}
	c.wait(t, &c.served, 300)
	c.leave(t)
}

// TestKilledForgets kills a server that keeps nothing: visitors become unknown,
// and only by that.
func TestKilledForgets(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	si := newSite(t, connect(t, server))
	v := si.visitor()
	require.True(t, v.post("/login?as=alice").ok())
	token := v.token()
	si.during(func() {
		server.Kill()
		var all sync.WaitGroup
		for _, target := range []string{"/read", "/count", "/logout", "/login?as=alice", "/revoke?whose=alice"} {
			all.Go(func() { assert.False(t, v.post(target).ok(), "POST %s, when there is no server", target) })
			all.Go(func() { assert.False(t, v.post(target).ok(), "POST %s, when there is no server", target) })
		}
		all.Wait()
		require.NoError(t, server.Start())
	})
	assert.Equal(t, answer{200, "new"}, v.post("/read"), "Redis has lost the session")
	assert.Equal(t, token, v.token(), "the cookie is good again when the data is brought back")
	assert.Equal(t, answer{200, "new"}, v.post("/count"))
	assert.NotEqual(t, token, v.token(), "a token that Redis does not know is not adopted")
	assert.Equal(t, answer{200, "1 "}, v.post("/read"))
}
