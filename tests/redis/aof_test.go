package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
)

// TestAOFWithoutDefaultUser: while the default user is off, Redis 7.0 loads
// nothing that a transaction wrote, nor a script by more than one command.
func TestAOFWithoutDefaultUser(t *testing.T) {
	// With everysec, a slow disk delays writes that are acknowledged, and the kill loses them.
	s := servers.Redis(t, strings.Fields("--appendonly yes --appendfsync always --user default off "+
		"--user sessions on >PASSWORD ~session:* +@read +@write +@scripting")...)
	client := connectUser(t, s)
	store, ctx := sessionredis.New(client, nil), t.Context()
	alice, bob := create(t, store, record("alice")), create(t, store, record(""))
	alice.ExpiresAt = in(10 * time.Hour)
	require.NoError(t, store.Touch(ctx, alice.ID, alice.ExpiresAt))
	bob.Subject = "bob"
	require.NoError(t, store.Update(ctx, bob))
	// What shows that the test would see it.
	require.NoError(t, client.Eval(ctx, "redis.call('SET', KEYS[1], 1); return redis.call('PEXPIRE', KEYS[1], 1000000)",
		[]string{"session:script"}).Err())

	s.Kill()
	require.NoError(t, s.Start())

	require.ErrorIs(t, client.Get(ctx, "session:script").Err(), redis.Nil, "this Redis loads what the store avoids")
	r, err := store.Load(ctx, alice.ID)
	require.NoError(t, err)
	assert.Equal(t, alice, r)
	for _, subject := range []string{"alice", "bob"} {
		n, err := store.DeleteAll(ctx, subject)
		require.NoError(t, err)
		assert.Equal(t, 1, n, "sessions of %s that DeleteAll finds", subject)
	}
}
