package redis_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// missed is a script that returns the live sessions that the set of their
// subject does not name for as long as they live, at one moment. ARGV: prefix,
// now.
const missed = `
local all = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  if redis.call('TYPE', key).ok == 'string' then
    local expires, subject = string.match(redis.call('GET', key), '^(%d+) %d+ %d+ ([^%z]*)%z')
    if subject ~= '' and tonumber(expires) > tonumber(ARGV[2]) then
      local set, id = ARGV[1] .. 'subject:' .. subject, string.sub(key, #ARGV[1] + 1)
      local score = redis.call('ZSCORE', set, id)
      if not score or tonumber(score) < tonumber(expires) then
        all[#all + 1] = key .. ' of ' .. subject .. ' until ' .. expires .. ', in the set until ' .. tostring(score)
      end
    end
  end
end
return all`

// requireNamed wants every live session in the set of its subject.
func requireNamed(t testing.TB, c *redis.Client, prefix string) {
	t.Helper()
	all, err := c.Eval(t.Context(), missed, nil, prefix, time.Now().UnixMilli()).StringSlice()
	require.NoError(t, err)
	require.Empty(t, all, "sessions that DeleteAll would miss")
}

// TestSubjectNamesItsSessions: at no moment of a storm is there a session that
// DeleteAll would miss.
func TestSubjectNamesItsSessions(t *testing.T) {
	server := servers.Redis(t)
	st := stress.NewStorm()
	var workers sync.WaitGroup
	for n := range uint64(4) {
		store := sessionredis.New(connect(t, server), nil) // of a process of its own
		workers.Go(func() { st.Blow(t.Context(), t, store, n, 500) })
	}
	over := make(chan struct{})
	go func() { workers.Wait(); close(over) }()
	c := connect(t, server)
	looks := 0
	for calm := false; !calm; looks++ {
		select {
		case <-over:
			calm = true
		default:
		}
		requireNamed(t, c, "session:")
	}
	t.Logf("looked %d times", looks)
	assert.Greater(t, looks, 10)

	// And DeleteAll sees what is there, and no more.
	store := sessionredis.New(c, nil)
	st.Check(t, store)
	keys, err := c.Keys(t.Context(), "session:0*").Result()
	require.NoError(t, err)
	for _, key := range keys {
		value, err := c.Get(t.Context(), key).Result()
		if !errors.Is(err, redis.Nil) { // it may expire any moment
			require.NoError(t, err)
			head, _, _ := strings.Cut(value, "\x00")
			assert.Len(t, strings.SplitN(head, " ", 4), 4)
			assert.True(t, strings.HasSuffix(head, " "), "after DeleteAll of all subjects: %s", head)
		}
	}
}
