package redis_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestPing: what is wrong with the client or the prefix is found when the program
// starts, with a text that says what to do.
func TestPing(t *testing.T) {
	one, locked, nodes := servers.Redis(t), servers.Redis(t, "--requirepass", "secret"), servers.RedisCluster(t)
	allow(t, one, "", "")
	elsewhere := nodes[0]
	if elsewhere.Addr() == masterOf(t, connectCluster(t, nodes), "{shop}:") {
		elsewhere = nodes[1]
	}
	at := func(s *servers.Server, user, password string) redis.UniversalClient {
		return redis.NewClient(&redis.Options{Addr: s.Addr(), Username: user, Password: password, ContextTimeoutEnabled: true})
	}
	for name, test := range map[string]struct {
		client redis.UniversalClient
		prefix string
		want   []string // of the error; none: there is none
	}{
		"ready":               {at(one, "sessions", "PASSWORD"), "", nil},
		"wrong password":      {at(one, "sessions", "wrong"), "", []string{"WRONGPASS", "check Username and Password"}},
		"no password":         {at(locked, "", ""), "", []string{"NOAUTH", "set Username and Password"}},
		"another prefix":      {at(one, "sessions", "PASSWORD"), "shop:", []string{"NOPERM", `"shop:`, "the prefix is Options.Prefix", "README"}},
		"no server":           {redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}), "", []string{"127.0.0.1:1", "connection refused"}},
		"a Ring":              {redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": one.Addr()}}), "", []string{"redis.Ring", "use a Cluster"}},
		"one of a Cluster":    {at(elsewhere, "", ""), "{shop}:", []string{"MOVED", "redis.NewClusterClient"}},
		"a Cluster of one":    {redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{one.Addr()}}), "", []string{"cluster support disabled", "redis.NewClient"}},
		"a prefix that fails": {at(one, "sessions", "PASSWORD"), "subject:", []string{"Options.Prefix must not hold"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() { _ = test.client.Close() })
			m, err := session.New[stress.Visits](sessionredis.New(test.client, &sessionredis.Options{Prefix: test.prefix}), nil)
			require.NoError(t, err)
			err = m.Ping(context.Background())
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, session.ErrUnavailable)
			for _, text := range append(test.want, "sessionredis: ") {
				assert.ErrorContains(t, err, text)
			}
		})
	}
}
