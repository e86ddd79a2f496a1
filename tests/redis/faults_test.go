package redis_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/servers"
)

// TestFull fills the memory of a server that throws nothing away.
func TestFull(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--maxmemory-policy", "noeviction")
	client := connect(t, server)
	si := newSite(t, client)
	alice, bob, ann := si.visitor(), si.visitor(), si.visitor()
	require.True(t, alice.post("/login?as=alice").ok())
	require.True(t, bob.post("/login?as=bob").ok())
	require.True(t, ann.post("/count").ok())
	left, revoked := alice.token(), bob.token()

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	si.during(func() {
		newcomer := si.visitor()
		assert.False(t, newcomer.post("/count").ok(), "a new session")
		assert.Empty(t, newcomer.token())
		assert.Equal(t, answer{200, "new"}, newcomer.post("/read"))
		assert.Equal(t, answer{200, "1 "}, ann.post("/read"), "a session that is there")
		assert.False(t, ann.post("/count").ok(), "a change")
		assert.False(t, ann.post("/login?as=ann").ok(), "a login")
		assert.Contains(t, si.complaints(), "OOM", "the reason is told")

		r, err := si.store.Load(within(t), ann.id())
		require.NoError(t, err)
		requireFailure(t, si.store.Touch(within(t), r.ID, r.ExpiresAt.Add(time.Minute)), "Touch")
		again, err := si.store.Load(within(t), ann.id())
		require.NoError(t, err)
		assert.Equal(t, r, again, "after a Touch that failed")
	})
	// Whoever wants to leave can.
	assert.Equal(t, answer{200, "new"}, alice.post("/logout"))
	assert.Equal(t, answer{200, "1"}, si.visitor().post("/revoke?whose=bob"))
	assert.Equal(t, answer{200, "new"}, si.with(left).post("/read"))
	assert.Equal(t, answer{200, "new"}, si.with(revoked).post("/read"))

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	assert.True(t, ann.post("/count").ok())
	assert.Equal(t, answer{200, "2 "}, ann.post("/read"))
	assert.True(t, si.visitor().post("/count").ok())
}

// within is a context such as the engine gives to a store.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), storeTimeout)
	t.Cleanup(cancel)
	return ctx
}

// TestEvicted lets a server throw away what expires soonest: visitors become
// unknown, the longest idle ones first, and nothing breaks.
func TestEvicted(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--maxmemory-policy", "volatile-ttl")
	client := connect(t, server)
	si := newSite(t, client)
	const each = 100
	var idle, busy []*visitor
	for i := range each {
		v, w := si.visitor(), si.visitor()
		require.True(t, v.post(fmt.Sprint("/login?as=idle", i)).ok())
		require.True(t, w.post(fmt.Sprint("/login?as=busy", i)).ok())
		require.True(t, v.post("/pad").ok())
		require.True(t, w.post("/pad").ok())
		idle, busy = append(idle, v), append(busy, w)
		// As if the last use were long ago.
		require.NoError(t, client.PExpire(t.Context(), "session:"+v.id().String(), time.Minute).Err())
	}
	keys := client.DBSize(t.Context()).Val()
	for limit := info(t, client, "used_memory"); keys-client.DBSize(t.Context()).Val() < each/2; limit -= 16 << 10 {
		require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", fmt.Sprint(limit)).Err())
	}
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())

	survivors := func(visitors []*visitor, name string) (n int) {
		for i, v := range visitors {
			switch a := v.post("/read"); a.body {
			case "new":
				assert.True(t, v.post("/count").ok(), "a new session for one that is gone")
				assert.Equal(t, answer{200, "1 "}, v.post("/read"))
			default:
				assert.Equal(t, answer{200, fmt.Sprint("0 ", name, i)}, a)
				n++
			}
		}
		return n
	}
	i, b := survivors(idle, "idle"), survivors(busy, "busy")
	t.Logf("%d of %d idle and %d of %d busy sessions are left", i, each, b, each)
	assert.Less(t, i, b, "idle sessions that are left, and busy ones")
}

// TestReadOnly has the application talk to a replica.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	master := servers.Redis(t)
	replica := servers.RedisReplica(t, master)
	client := connect(t, master)
	good, bad := newSite(t, client), newSite(t, connect(t, replica))
	v := good.visitor()
	require.True(t, v.post("/login?as=alice").ok())
	require.EqualValues(t, 1, client.Wait(t.Context(), 1, patience).Val(), "replicas")

	bad.during(func() {
		w := bad.with(v.token())
		assert.Equal(t, answer{200, "0 alice"}, w.post("/read"))
		var all sync.WaitGroup
		for _, target := range []string{"/count", "/logout", "/login?as=bob", "/revoke?whose=alice"} {
			all.Go(func() { assert.False(t, w.post(target).ok(), "POST %s", target) })
		}
		all.Go(func() { assert.False(t, bad.visitor().post("/count").ok(), "a new session") })
		all.Wait()
		assert.Contains(t, bad.complaints(), "READONLY", "the reason is told")
		assert.Equal(t, answer{200, "0 alice"}, w.post("/read"))
	})
	assert.Equal(t, answer{200, "0 alice"}, v.post("/read"))
}

// TestScriptFlush lets the server forget the scripts all the time: nobody
// notices.
func TestScriptFlush(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	client := connect(t, server)
	c := newCrowd(t, newSite(t, client))
	for range 100 {
		require.NoError(t, client.ScriptFlush(t.Context()).Err())
		c.wait(t, &c.served, 10)
	}
	c.leave(t)
	assert.Zero(t, c.refused.Load())
	assert.Equal(t, "[]", c.complaints())
}

// TestClientKill cuts all connections all the time: what fails says so, and
// nothing is lost or done twice.
func TestClientKill(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	client := connect(t, server)
	c := newCrowd(t, newSite(t, connect(t, server)))
	c.during(func() {
		for range 100 {
			require.NoError(t, client.ClientKillByFilter(t.Context(), "TYPE", "normal").Err())
			c.wait(t, &c.served, 10)
		}
	})
	c.wait(t, &c.served, 100)
	c.leave(t)
}

// TestMaxClients has the server refuse new connections: visitors wait for those
// that there are.
func TestMaxClients(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	admin := connect(t, server)
	si := newSite(t, connect(t, server))
	v := si.visitor()
	require.True(t, v.post("/count").ok())
	require.NoError(t, admin.ConfigSet(t.Context(), "maxclients", "2").Err())
	var served atomic.Int64
	si.during(func() {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 5 {
					if v.post("/count").ok() {
						served.Add(1)
					}
				}
			})
		}
		all.Wait()
	})
	t.Logf("%d of 100 requests were served", served.Load())
	// A write may not be repeated when the connection ends before the reply.
	assert.NotContains(t, si.complaints(), ": load: ", "what can be repeated is")
	require.NoError(t, admin.ConfigSet(t.Context(), "maxclients", "10000").Err())
	assert.Equal(t, answer{200, fmt.Sprint(1+served.Load(), " ")}, v.post("/read"))
}

// TestWrongPassword gives the client a wrong password, or none: the error tells
// so, and nothing that is secret.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--requirepass", "correct")
	good := newSite(t, closed(t, redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, Password: "correct"})))
	v := good.visitor()
	require.True(t, v.post("/login?as=alice").ok())
	for password, want := range map[string]string{"mistaken": "WRONGPASS", "": "NOAUTH"} {
		bad := newSite(t, closed(t, redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, Password: password})))
		bad.during(func() {
			w, newcomer := bad.with(v.token()), bad.visitor()
			answers := []answer{w.post("/read"), w.post("/logout"), newcomer.post("/count"), newcomer.post("/revoke?whose=alice")}
			for _, a := range answers {
				assert.False(t, a.ok(), "%v", a)
			}
			text := fmt.Sprint(answers, bad.complaints())
			assert.Contains(t, text, want)
			assert.NotContains(t, text, v.token()[22:], "the secret of a token")
			assert.NotContains(t, text, "correct")
			assert.NotContains(t, text, "mistaken")
		})
	}
	assert.Equal(t, answer{200, "0 alice"}, v.post("/read"))
}
