package redis_test

import (
	"net"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
)

// TestStore holds the store to the contract wherever Redis may run, and with
// whatever client: each at least once.
func TestStore(t *testing.T) {
	one := servers.Redis(t)
	allow(t, one, grantAll, "")
	nodes := servers.RedisCluster(t)
	secure, config := servers.RedisTLS(t)
	sentinels, _, _ := servers.RedisSentinel(t)
	const once = -1 // retries, as the servers that are down stay so
	for _, test := range []struct {
		name     string
		up, down redis.UniversalClient
	}{
		{
			"one node, with the least rights", connectUser(t, one),
			redis.NewClient(&redis.Options{Addr: one.Addr(), Username: "sessions", Password: "wrong", ContextTimeoutEnabled: true}),
		},
		{
			"Sentinel, with the defaults of the client",
			closed(t, redis.NewFailoverClient(&redis.FailoverOptions{MasterName: servers.SentinelMaster, SentinelAddrs: addrs(sentinels)})),
			redis.NewFailoverClient(&redis.FailoverOptions{
				MasterName: servers.SentinelMaster, SentinelAddrs: []string{deaf(t)}, MaxRetries: once, DialerRetries: 1,
			}),
		},
		{
			"TLS, by AutoPipeline",
			gather(t, closed(t, redis.NewClient(&redis.Options{Addr: secure.Addr(), TLSConfig: config, ContextTimeoutEnabled: true}))),
			gather(t, closed(t, redis.NewClient(&redis.Options{Addr: secure.Addr(), ContextTimeoutEnabled: true, MaxRetries: once}))), // without TLS
		},
		{
			"Cluster", connectCluster(t, nodes),
			redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{deaf(t)}, ContextTimeoutEnabled: true}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // most of it waits for something to expire
			t.Cleanup(func() { _ = test.down.Close() })
			storetest.Run(t,
				func(*testing.T) session.Store { return sessionredis.New(test.up, nil) },
				storetest.Down(func(*testing.T) session.Store { return sessionredis.New(test.down, nil) }))
		})
	}
}

// gather returns a client that sends what several goroutines have to send together.
func gather(t testing.TB, c *redis.Client) redis.UniversalClient {
	t.Helper()
	p, err := c.AutoPipeline()
	require.NoError(t, err)
	return p
}

// deaf is where connections are taken, and closed at once.
func deaf(t testing.TB) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	return l.Addr().String()
}

func BenchmarkStore(b *testing.B) {
	one := servers.Redis(b)
	nodes := servers.RedisCluster(b)
	for _, of := range []struct {
		name   string
		client redis.UniversalClient
	}{
		{"node", connect(b, one)},
		{"defaults", closed(b, redis.NewClient(&redis.Options{Addr: one.Addr()}))},
		{"Cluster", connectCluster(b, nodes)},
	} {
		b.Run(of.name, func(b *testing.B) {
			storetest.Benchmark(b, func(*testing.B) session.Store { return sessionredis.New(of.client, nil) })
		})
	}
}
