package redis_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/servers"
)

// requireTTL wants a time to live on every key, and that of a set to be longer
// than those of its sessions.
func requireTTL(t testing.TB, c *redis.Client, prefix string) {
	t.Helper()
	keys, err := c.Keys(t.Context(), prefix+"*").Result()
	require.NoError(t, err)
	const never, gone = -1, -2
	for _, key := range keys {
		ttl, err := c.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		assert.NotEqual(t, time.Duration(never), ttl, "%s has no time to live", key)
		id, found := strings.CutPrefix(key, prefix)
		if _, ofSubject := strings.CutPrefix(id, "subject:"); ofSubject || !found || ttl == gone {
			continue
		}
		value, err := c.Get(t.Context(), key).Result()
		if err != nil { // expired meanwhile
			continue
		}
		head, _, _ := strings.Cut(value, "\x00")
		subject := strings.SplitN(head, " ", 4)[3]
		if subject == "" {
			continue
		}
		set, err := c.PTTL(t.Context(), prefix+"subject:"+subject).Result()
		require.NoError(t, err)
		assert.Greater(t, set, ttl, "the time to live of the set of %q, and of its session %s", subject, id)
	}
}

// TestEveryKeyHasATTL, whatever was done, and whatever the expiries were.
func TestEveryKeyHasATTL(t *testing.T) {
	server := servers.Redis(t)
	st := newStorm()
	st.latest = time.Until(time.UnixMilli(9_999_999_999_999)) - time.Second // the year 2286
	var workers sync.WaitGroup
	for n := range uint64(4) {
		store := sessionredis.New(connect(t, server), nil)
		workers.Go(func() { st.blow(t.Context(), t, store, 100+n, 250) })
	}
	workers.Wait()
	c := connect(t, server)
	require.NotZero(t, c.DBSize(t.Context()).Val())
	requireTTL(t, c, "session:")
}
