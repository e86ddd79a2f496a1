package redis_test

import (
	"context"
	"strings"
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

// foreign is what another program may put under a key.
var foreign = map[string]func(ctx context.Context, c *redis.Client, key string) error{
	"text":          put("hello"),
	"JSON":          put(`{"user":1}`),
	"zeros":         put("\x00\x00\x00"),
	"half a value":  put("1795519000000 1795522600000"),
	"no data":       put("9999999999999 9999999999999 00000000000000000001 alice"),
	"no version":    put("9999999999999 9999999999999  alice\x00"),
	"no lease":      put("9999999999999  00000000000000000001 alice\x00"),
	"short times":   put("999999999999 999999999999 00000000000000000001 alice\x00"),
	"long times":    put("99999999999999 99999999999999 00000000000000000001 alice\x00"),
	"short version": put("9999999999999 9999999999999 1 alice\x00"),
	"long version":  put("9999999999999 9999999999999 000000000000000000001 alice\x00"),
	"a sign":        put("+999999999999 9999999999999 00000000000000000001 alice\x00"),
	"a long text":   put(strings.Repeat("x", 1000) + "\x00"),
	"list":          func(ctx context.Context, c *redis.Client, key string) error { return c.RPush(ctx, key, 1, 2).Err() },
	"hash":          func(ctx context.Context, c *redis.Client, key string) error { return c.HSet(ctx, key, "a", 1).Err() },
	"set":           func(ctx context.Context, c *redis.Client, key string) error { return c.SAdd(ctx, key, 1, 2).Err() },
	"stream": func(ctx context.Context, c *redis.Client, key string) error {
		return c.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []any{"a", 1}}).Err()
	},
}

func put(value string) func(ctx context.Context, c *redis.Client, key string) error {
	return func(ctx context.Context, c *redis.Client, key string) error { return c.Set(ctx, key, value, 0).Err() }
}

// requireClear wants an error that says what is wrong, and is none of those
// after which the engine would go on.
func requireClear(t *testing.T, err error, doing, key string) {
	t.Helper()
	stress.RequireFailure(t, err, doing)
	assert.ErrorContains(t, err, "sessionredis: ")
	assert.ErrorContains(t, err, key)
	if !strings.Contains(err.Error(), "WRONGTYPE") {
		assert.ErrorContains(t, err, "what is stored there is no session: does another program use this prefix?")
	}
}

// TestForeignSession: another program's value is where a session would be.
func TestForeignSession(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	for name, put := range foreign {
		t.Run(name, func(t *testing.T) {
			r, other := record("alice"), create(t, store, record("alice"))
			require.NoError(t, put(ctx, c, key(r)))
			was := c.Dump(ctx, key(r)).Val()

			_, err := store.Load(ctx, r.ID)
			requireClear(t, err, "Load", key(r))
			requireClear(t, store.Create(ctx, r), "Create", key(r)) // has entered it: alice's set names it
			requireClear(t, store.Update(ctx, r), "Update", key(r))
			past := r
			past.ExpiresAt = in(-time.Second)
			requireClear(t, store.Update(ctx, past), "Update to the past", key(r))
			past.ExpiresAt = time.Time{}
			requireClear(t, store.Update(ctx, past), "Update that keeps the expiry", key(r))
			requireClear(t, store.Touch(ctx, r.ID, in(24*time.Hour)), "Touch", key(r))
			_, err = store.List(ctx, "alice")
			requireClear(t, err, "List", "session:")
			_, err = store.DeleteAll(ctx, "alice")
			stress.RequireFailure(t, err, "DeleteAll")

			assert.Equal(t, was, c.Dump(ctx, key(r)).Val(), "what the other program has stored")
			assert.EqualValues(t, -1, c.PTTL(ctx, key(r)).Val(), "its time to live")
			_, err = store.Load(ctx, other.ID)
			assert.ErrorIs(t, err, session.ErrNotFound, "the other sessions, after DeleteAll")

			require.NoError(t, store.Delete(ctx, r.ID)) // which asks no questions
			n, err := store.DeleteAll(ctx, "alice")
			require.NoError(t, err)
			assert.Zero(t, n)
		})
	}
}

// TestForeignSet: another program's value is where the set of a subject would be.
func TestForeignSet(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	ctx := t.Context()
	foreign := map[string]func(ctx context.Context, c *redis.Client, key string) error{
		"text": foreign["text"], "list": foreign["list"], "hash": foreign["hash"], "set": foreign["set"], "stream": foreign["stream"],
	}
	for name, put := range foreign {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.FlushDB(ctx).Err())
			require.NoError(t, put(ctx, c, alice))
			was := c.Dump(ctx, alice).Val()

			r := record("alice")
			requireClear(t, store.Create(ctx, r), "Create", key(r))
			_, err := store.Load(ctx, r.ID)
			require.ErrorIs(t, err, session.ErrNotFound, "a session that DeleteAll would miss")

			r = create(t, store, record(""))
			login := r
			login.Subject = "alice"
			requireClear(t, store.Update(ctx, login), "Update", key(r))
			got, err := store.Load(ctx, r.ID)
			require.NoError(t, err)
			assert.Equal(t, r, got)

			_, err = store.List(ctx, "alice")
			requireClear(t, err, "List", alice)
			_, err = store.DeleteAll(ctx, "alice")
			requireClear(t, err, "DeleteAll", alice)
			assert.Equal(t, was, c.Dump(ctx, alice).Val(), "what the other program has stored")
		})
	}
	t.Run("set with other members", func(t *testing.T) {
		require.NoError(t, c.FlushDB(ctx).Err())
		r := create(t, store, record("alice"))
		require.NoError(t, c.ZAdd(ctx, alice, redis.Z{Score: float64(in(time.Hour).UnixMilli()), Member: "not an ID"}).Err())
		_, err := store.List(ctx, "alice")
		requireClear(t, err, "List", alice)
		_, err = store.DeleteAll(ctx, "alice")
		requireClear(t, err, "DeleteAll", alice)
		_, err = store.Load(ctx, r.ID)
		require.ErrorIs(t, err, session.ErrNotFound, "what can be revoked is")
	})
}
