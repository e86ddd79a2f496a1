package redis_test

import (
	"context"
	"errors"
	"fmt"
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

// A moment is a hook that lets something happen in the midst of a pipeline:
// after so many of its commands, which the server then does apart.
type moment struct {
	after  int
	happen func()
}

func (m *moment) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *moment) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (m *moment) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "client" || m.after > len(cmds) { // of a new connection
			return next(ctx, cmds)
		}
		var before, after error
		if m.after > 0 {
			before = next(ctx, cmds[:m.after])
		}
		m.happen()
		if m.after < len(cmds) {
			after = next(ctx, cmds[m.after:])
		}
		return errors.Join(before, after)
	}
}

// TestSetExpiresMeanwhile: the set of a subject who has been away expires just
// as a new session is entered. It must not take the new entry with it.
func TestSetExpiresMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	ctx := t.Context()
	for after := range 6 {
		t.Run(fmt.Sprint("after ", after), func(t *testing.T) {
			require.NoError(t, c.FlushDB(ctx).Err())
			create(t, sessionredis.New(c, nil), record("alice"))
			require.NoError(t, c.Del(ctx, c.Keys(ctx, "session:0*").Val()...).Err())
			require.NoError(t, c.PExpire(ctx, alice, 50*time.Millisecond).Err())

			hooked := connectLike(t, c)
			hooked.AddHook(&moment{after, func() {
				require.Eventually(t, func() bool {
					ttl := c.PTTL(ctx, alice).Val() // negative: it has expired, or never will
					return ttl < 0 || ttl > time.Minute
				}, stress.Patience, time.Millisecond)
			}})
			r := create(t, sessionredis.New(hooked, nil), record("alice"))
			requireNamed(t, c, "session:")
			requireTTL(t, c, "session:")
			list, err := sessionredis.New(c, nil).List(ctx, "alice")
			require.NoError(t, err)
			require.Len(t, list, 1)
			assert.Equal(t, r, list[0])
		})
	}
}

// TestSetBegunMeanwhile: two processes enter the first sessions of a subject. The
// set lives as long as the longer of the two.
func TestSetBegunMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	ctx := t.Context()
	for after := range 6 {
		for how, lives := range map[string][2]time.Duration{"shorter": {10 * time.Hour, time.Minute}, "longer": {time.Minute, 10 * time.Hour}} {
			t.Run(fmt.Sprint("by the ", how, " after ", after), func(t *testing.T) {
				require.NoError(t, c.FlushDB(ctx).Err())
				one, other := record("alice"), record("alice")
				one.ExpiresAt, other.ExpiresAt = in(lives[0]), in(lives[1])
				hooked := connectLike(t, c)
				hooked.AddHook(&moment{after, func() { create(t, sessionredis.New(c, nil), other) }})
				create(t, sessionredis.New(hooked, nil), one)
				requireNamed(t, c, "session:")
				requireTTL(t, c, "session:")
			})
		}
	}
}

// TestMovesMeanwhile: a session becomes that of somebody else while a use of it
// renews its lease with the subject that it had.
func TestMovesMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	for _, other := range []string{"", "bob"} {
		r := create(t, store, record("alice"))
		moved := r
		moved.Subject = other
		hooked := connectLike(t, c)
		once := sync.OnceFunc(func() { require.NoError(t, store.Update(t.Context(), moved)) })
		hooked.AddHook(&moment{0, once})
		until := in(10 * time.Hour)
		require.NoError(t, sessionredis.New(hooked, nil).Touch(t.Context(), r.ID, until))
		requireNamed(t, c, "session:")
		requireTTL(t, c, "session:")
		moved.Version++
		moved.ExpiresAt = until
		got, err := store.Load(t.Context(), r.ID)
		require.NoError(t, err)
		assert.Equal(t, moved, got)
	}
}

// TestLeavesMeanwhile: a session that has left the subject when its turn comes
// stays, and does not count: before DeleteAll reads the set, before it looks at the
// session, and after that.
func TestLeavesMeanwhile(t *testing.T) {
	c := connect(t, servers.Redis(t))
	store := sessionredis.New(c, nil)
	for _, other := range []string{"", "bob"} {
		for at := range int64(3) {
			stays, goes := create(t, store, record("alice")), create(t, store, record("alice"))
			moved := stays
			moved.Subject = other
			hooked := connectLike(t, c)
			leaves, _ := beforeTrip(at+1, func() { require.NoError(t, store.Update(t.Context(), moved)) })
			hooked.AddHook(leaves)
			n, err := sessionredis.New(hooked, nil).DeleteAll(t.Context(), "alice")
			require.NoError(t, err)
			assert.Equal(t, 1, n, "sessions removed, while one of two became that of %q after %d round trips", other, at)
			moved.Version++
			got, err := store.Load(t.Context(), stays.ID)
			require.NoError(t, err, "the session that became that of %q", other)
			assert.Equal(t, moved, got)
			_, err = store.Load(t.Context(), goes.ID)
			require.ErrorIs(t, err, session.ErrNotFound)
		}
	}
}
