package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestOverwrittenSession has another program write over a session: its visitor
// gets an error, and nothing destroys what is there.
func TestOverwrittenSession(t *testing.T) {
	server := servers.Redis(t)
	client := connect(t, server)
	for _, test := range []struct {
		name    string
		put     func(key string) error
		failure int
	}{
		{"list", func(key string) error { return client.RPush(t.Context(), key, "one", "two").Err() }, 503},
		{"hash", func(key string) error { return client.HSet(t.Context(), key, "field", "value").Err() }, 503},
		{"text", func(key string) error { return client.Set(t.Context(), key, "hello", time.Hour).Err() }, 503},
		{"no text", func(key string) error { return client.Set(t.Context(), key, "", time.Hour).Err() }, 503},
		{"head of a session", func(key string) error {
			soon := time.Now().Add(time.Hour).UnixMilli()
			return client.Set(t.Context(), key, fmt.Sprintf("%d %d %020d alice\x00hello", soon, soon, 7), time.Hour).Err()
		}, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			si := newSite(t, client)
			si.Failure = test.failure
			v := si.Visitor()
			require.True(t, v.Post("/login?as=alice").OK())
			token, key := v.Token(), "session:"+v.ID().String()

			held := v.Hold("/count?hold")
			si.During(func() {
				require.NoError(t, client.Del(t.Context(), key).Err())
				require.NoError(t, test.put(key))
				there := client.Dump(t.Context(), key).Val()
				si.Release()
				assert.False(t, (<-held).OK(), "a change that has begun before")
				for _, target := range []string{"/read", "/count", "/logout", "/login?as=bob"} {
					assert.False(t, v.Post(target).OK(), "POST %s", target)
				}
				_, err := si.Sessions.List(t.Context(), "alice")
				assert.Error(t, err)
				stress.RequireFailure(t, si.Sessions.Update(t.Context(), v.ID(), func(d *stress.Visits) error { d.N++; return nil }), "Manager.Update")
				assert.Equal(t, there, client.Dump(t.Context(), key).Val(), "what is there")
			})
			assert.Equal(t, token, v.Token(), "the cookie")
			require.NoError(t, client.Del(t.Context(), key).Err())
		})
	}
}

// TestOverwrittenRevoked: what is no session does not keep the others of its
// subject alive, but the caller learns of it.
func TestOverwrittenRevoked(t *testing.T) {
	server := servers.Redis(t)
	client := connect(t, server)
	for name, put := range map[string]func(key string) error{
		"list": func(key string) error { return client.RPush(t.Context(), key, "one").Err() },
		"text": func(key string) error { return client.Set(t.Context(), key, "hello", time.Hour).Err() },
	} {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, client)
			var visitors []*stress.Visitor
			for range 3 {
				v := si.Visitor()
				require.True(t, v.Post("/login?as="+name).OK())
				visitors = append(visitors, v)
			}
			key := "session:" + visitors[1].ID().String()
			require.NoError(t, client.Del(t.Context(), key).Err())
			require.NoError(t, put(key))
			there := client.Dump(t.Context(), key).Val()
			si.During(func() {
				assert.False(t, visitors[0].Post("/revoke?whose="+name).OK())
				assert.Equal(t, stress.OK("new"), visitors[0].Post("/read"))
				assert.False(t, visitors[1].Post("/read").OK())
				assert.Equal(t, stress.OK("new"), visitors[2].Post("/read"))
			})
			assert.Equal(t, there, client.Dump(t.Context(), key).Val(), "what is there")
		})
	}
}

// TestOverwrittenSubject has another program write over the set of a subject:
// nobody can log in whom RevokeAll would miss.
func TestOverwrittenSubject(t *testing.T) {
	server := servers.Redis(t)
	client := connect(t, server)
	const key = "session:subject:alice"
	for name, put := range map[string]func() error{
		"text": func() error { return client.Set(t.Context(), key, "hello", time.Hour).Err() },
		"hash": func() error { return client.HSet(t.Context(), key, "field", "value").Err() },
		"set":  func() error { return client.SAdd(t.Context(), key, "member").Err() },
	} {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, client)
			old, v := si.Visitor(), si.Visitor()
			require.True(t, old.Post("/login?as=alice").OK())
			require.True(t, v.Post("/count").OK())
			token := v.Token()
			require.NoError(t, client.Del(t.Context(), key).Err())
			require.NoError(t, put())
			there := client.Dump(t.Context(), key).Val()
			si.During(func() {
				assert.False(t, v.Post("/login?as=alice").OK())
				assert.False(t, si.Visitor().Post("/login?as=alice").OK())
				assert.False(t, v.Post("/revoke?whose=alice").OK())
				_, err := si.Sessions.List(t.Context(), "alice")
				assert.Error(t, err)
				assert.Contains(t, si.Complaints(), key, "which key it is")
			})
			assert.Equal(t, there, client.Dump(t.Context(), key).Val(), "what is there")
			assert.Equal(t, stress.OK("1 "), v.Post("/read"), "nobody has logged in")
			assert.Equal(t, token, v.Token(), "the cookie")
			assert.Equal(t, stress.OK("0 alice"), old.Post("/read"), "who has logged in before")
			assert.True(t, old.Post("/logout").OK())
			require.NoError(t, client.Del(t.Context(), key).Err())
		})
	}
	t.Run("junk among the sessions", func(t *testing.T) {
		si := newSite(t, client)
		v := si.Visitor()
		require.True(t, v.Post("/login?as=alice").OK())
		require.NoError(t, client.ZAdd(t.Context(), key, redis.Z{Score: 1e13, Member: "junk"}).Err())
		si.During(func() {
			assert.False(t, v.Post("/revoke?whose=alice").OK(), "it cannot tell whether a session is missing")
		})
	})
}
