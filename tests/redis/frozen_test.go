package redis_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/gostateful/session/tests/support/servers"
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
			newSite(t, closed(t, redis.NewClient(opts))).Freeze(server.Signal)
		})
	}
}
