// Package matrix holds every adapter over every store to the laws of adapters.
package matrix

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
	"github.com/gostateful/session/memory"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
)

// TestAdapters runs each adapter over each store. A backend is started once.
func TestAdapters(t *testing.T) {
	for _, store := range []struct {
		name string
		open func(t *testing.T) session.Store
	}{
		{"memory", func(*testing.T) session.Store { return memory.New(nil) }},
		{"redis", openRedis},
		{"PostgreSQL", openPostgres},
		{"MariaDB", openMariaDB},
		{"SQLite, modernc", openModernc},
		{"SQLite, mattn", openMattn},
	} {
		t.Run(store.name, func(t *testing.T) {
			s := store.open(t)
			for _, adapter := range []struct {
				name  string
				start func(*testing.T, adaptertest.Server) string
			}{
				{"nethttp", netHTTP},
				{"chi", onChi},
				{"echo", onEcho},
				{"fiber", onFiber},
				{"gin", onGin},
			} {
				t.Run(adapter.name, func(t *testing.T) {
					adaptertest.Run(t, adapter.start, adaptertest.Over(func(*testing.T) session.Store { return s }))
				})
			}
		})
	}
}

func openRedis(t *testing.T) session.Store {
	client := redis.NewClient(&redis.Options{Addr: servers.Redis(t).Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return sessionredis.New(client, nil)
}
