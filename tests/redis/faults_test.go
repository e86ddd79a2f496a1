package redis_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestFull fills the memory of a server that throws nothing away.
func TestFull(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--maxmemory-policy", "noeviction")
	client := connect(t, server)
	si := newSite(t, client)
	alice, bob, ann := si.Visitor(), si.Visitor(), si.Visitor()
	require.True(t, alice.Post("/login?as=alice").OK())
	require.True(t, bob.Post("/login?as=bob").OK())
	require.True(t, ann.Post("/count").OK())
	left, revoked := alice.Token(), bob.Token()

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	si.During(func() {
		newcomer := si.Visitor()
		assert.False(t, newcomer.Post("/count").OK(), "a new session")
		assert.Empty(t, newcomer.Token())
		assert.Equal(t, stress.OK("new"), newcomer.Post("/read"))
		assert.Equal(t, stress.OK("1 "), ann.Post("/read"), "a session that is there")
		assert.False(t, ann.Post("/count").OK(), "a change")
		assert.False(t, ann.Post("/login?as=ann").OK(), "a login")
		assert.Contains(t, si.Complaints(), "OOM", "the reason is told")

		r, err := si.Store.Load(stress.Within(t), ann.ID())
		require.NoError(t, err)
		stress.RequireFailure(t, si.Store.Touch(stress.Within(t), r.ID, r.ExpiresAt.Add(time.Minute)), "Touch")
		again, err := si.Store.Load(stress.Within(t), ann.ID())
		require.NoError(t, err)
		assert.Equal(t, r, again, "after a Touch that failed")
	})
	// Whoever wants to leave can.
	assert.Equal(t, stress.OK("new"), alice.Post("/logout"))
	assert.Equal(t, stress.OK("1"), si.Visitor().Post("/revoke?whose=bob"))
	assert.Equal(t, stress.OK("new"), si.With(left).Post("/read"))
	assert.Equal(t, stress.OK("new"), si.With(revoked).Post("/read"))

	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	assert.True(t, ann.Post("/count").OK())
	assert.Equal(t, stress.OK("2 "), ann.Post("/read"))
	assert.True(t, si.Visitor().Post("/count").OK())
}

// TestEvicted lets a server throw away what expires soonest: visitors become
// unknown, the longest idle ones first, and nothing breaks.
func TestEvicted(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--maxmemory-policy", "volatile-ttl")
	client := connect(t, server)
	si := newSite(t, client)
	const each = 100
	var idle, busy []*stress.Visitor
	for i := range each {
		v, w := si.Visitor(), si.Visitor()
		require.True(t, v.Post(fmt.Sprint("/login?as=idle", i)).OK())
		require.True(t, w.Post(fmt.Sprint("/login?as=busy", i)).OK())
		require.True(t, v.Post("/pad").OK())
		require.True(t, w.Post("/pad").OK())
		idle, busy = append(idle, v), append(busy, w)
		// As if the last use were long ago.
		require.NoError(t, client.PExpire(t.Context(), "session:"+v.ID().String(), time.Minute).Err())
	}
	keys := client.DBSize(t.Context()).Val()
	for limit := info(t, client, "used_memory"); keys-client.DBSize(t.Context()).Val() < each/2; limit -= 16 << 10 {
		require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", fmt.Sprint(limit)).Err())
	}
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())

	survivors := func(visitors []*stress.Visitor, name string) (n int) {
		for i, v := range visitors {
			switch a := v.Post("/read"); a.Body {
			case "new":
				assert.True(t, v.Post("/count").OK(), "a new session for one that is gone")
				assert.Equal(t, stress.OK("1 "), v.Post("/read"))
			default:
				assert.Equal(t, stress.OK(fmt.Sprint("0 ", name, i)), a)
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
	v := good.Visitor()
	require.True(t, v.Post("/login?as=alice").OK())
	require.EqualValues(t, 1, client.Wait(t.Context(), 1, stress.Patience).Val(), "replicas")

	bad.During(func() {
		w := bad.With(v.Token())
		assert.Equal(t, stress.OK("0 alice"), w.Post("/read"))
		var all sync.WaitGroup
		for _, target := range []string{"/count", "/logout", "/login?as=bob", "/revoke?whose=alice"} {
			all.Go(func() { assert.False(t, w.Post(target).OK(), "POST %s", target) })
		}
		all.Go(func() { assert.False(t, bad.Visitor().Post("/count").OK(), "a new session") })
		all.Wait()
		assert.Contains(t, bad.Complaints(), "READONLY", "the reason is told")
		assert.Equal(t, stress.OK("0 alice"), w.Post("/read"))
	})
	assert.Equal(t, stress.OK("0 alice"), v.Post("/read"))
}

// TestScriptFlush lets the server forget the scripts all the time: nobody
// notices.
func TestScriptFlush(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	client := connect(t, server)
	c := stress.NewCrowd(newSite(t, client))
	for range 100 {
		require.NoError(t, client.ScriptFlush(t.Context()).Err())
		c.AwaitServed(10)
	}
	c.Leave()
	assert.Zero(t, c.Refused())
	assert.Equal(t, "[]", c.Complaints())
}

// TestClientKill cuts all connections all the time: what fails says so, and
// nothing is lost or done twice.
func TestClientKill(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	client := connect(t, server)
	c := stress.NewCrowd(newSite(t, connect(t, server)))
	c.During(func() {
		for range 100 {
			require.NoError(t, client.ClientKillByFilter(t.Context(), "TYPE", "normal").Err())
			c.AwaitServed(10)
		}
	})
	c.AwaitServed(100)
	c.Leave()
}

// TestMaxClients has the server refuse new connections: visitors wait for those
// that there are.
func TestMaxClients(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	admin := connect(t, server)
	si := newSite(t, connect(t, server))
	v := si.Visitor()
	require.True(t, v.Post("/count").OK())
	require.NoError(t, admin.ConfigSet(t.Context(), "maxclients", "2").Err())
	var served atomic.Int64
	si.During(func() {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 5 {
					if v.Post("/count").OK() {
						served.Add(1)
					}
				}
			})
		}
		all.Wait()
	})
	t.Logf("%d of 100 requests were served", served.Load())
	require.NoError(t, admin.ConfigSet(t.Context(), "maxclients", "10000").Err())
	assert.Equal(t, stress.OK(fmt.Sprint(1+served.Load(), " ")), v.Post("/read"))
}

// TestWrongPassword gives the client a wrong password, or none: the error tells
// so, and nothing that is secret.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--requirepass", "correct")
	good := newSite(t, closed(t, redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, Password: "correct"})))
	v := good.Visitor()
	require.True(t, v.Post("/login?as=alice").OK())
	for password, want := range map[string]string{"mistaken": "WRONGPASS", "": "NOAUTH"} {
		bad := newSite(t, closed(t, redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, Password: password})))
		bad.During(func() {
			w, newcomer := bad.With(v.Token()), bad.Visitor()
			answers := []stress.Answer{w.Post("/read"), w.Post("/logout"), newcomer.Post("/count"), newcomer.Post("/revoke?whose=alice")}
			for _, a := range answers {
				assert.False(t, a.OK(), "%v", a)
			}
			text := fmt.Sprint(answers, bad.Complaints())
			assert.Contains(t, text, want)
			assert.NotContains(t, text, v.Token()[22:], "the secret of a token")
			assert.NotContains(t, text, "correct")
			assert.NotContains(t, text, "mistaken")
		})
	}
	assert.Equal(t, stress.OK("0 alice"), v.Post("/read"))
}
