package redis_test

import (
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestStaleTLSConnections: go-redis hands out a connection with TLS that the
// server has closed as if it were good, and learns of it by the command.
func TestStaleTLSConnections(t *testing.T) {
	const idle = 40
	s, config := servers.RedisTLS(t)
	client := closed(t, redis.NewClient(&redis.Options{
		Addr: s.Addr(), TLSConfig: config, ContextTimeoutEnabled: true, PoolSize: idle,
	}))
	admin := closed(t, redis.NewClient(&redis.Options{Addr: s.Addr(), TLSConfig: config}))
	ctx := t.Context()
	// spoil fills the pool with connections that the server then closes.
	spoil := func() {
		var all sync.WaitGroup
		for range idle {
			all.Go(func() {
				assert.ErrorIs(t, client.Do(ctx, "blpop", "nothing", "0.1").Err(), redis.Nil)
			})
		}
		all.Wait()
		require.GreaterOrEqual(t, client.PoolStats().IdleConns, uint32(idle/2))
		require.NoError(t, admin.ClientKillByFilter(ctx, "TYPE", "normal").Err())
	}

	store := sessionredis.New(client, nil)
	r := create(t, store, record("alice"))
	for _, call := range []struct {
		name string
		do   func() error
	}{
		{"Load", func() error { _, err := store.Load(ctx, r.ID); return err }},
		{"Update", func() error { return store.Update(ctx, r) }},
		{"Touch", func() error { return store.Touch(ctx, r.ID, in(10*time.Hour)) }},
		{"List", func() error { _, err := store.List(ctx, "alice"); return err }},
		{"Delete", func() error { return store.Delete(ctx, r.ID) }},
	} {
		spoil()
		require.NoError(t, call.do(), call.name)
	}

	spoil()
	err := store.Create(ctx, record(""))
	stress.RequireFailure(t, err, "Create, which cannot be repeated under its ID: or the test does not spoil anything")

	spoil()
	sessions, err := session.New[stress.Visits](store, nil)
	require.NoError(t, err)
	for range 2 * idle {
		x := new(session.Exchange)
		x.Begin(ctx, sessions, nil)
		v, err := sessions.Get(x)
		require.NoError(t, err)
		require.NoError(t, v.Login("bob", nil))
		_, err = x.Commit(session.Response{})
		require.NoError(t, err, "a login")
		require.NoError(t, x.Finish())
	}
	n, err := store.DeleteAll(ctx, "bob")
	require.NoError(t, err)
	assert.Equal(t, 2*idle, n)
}
