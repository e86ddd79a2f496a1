package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/servers"
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
			return client.Set(t.Context(), key, fmt.Sprintf("%d %d 7 alice\x00hello", soon, soon), time.Hour).Err()
		}, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			si := newSite(t, client)
			si.failure = test.failure
			v := si.visitor()
			require.True(t, v.post("/login?as=alice").ok())
			token, key := v.token(), "session:"+v.id().String()

			held := v.hold(t, "/count?hold")
			si.during(func() {
				require.NoError(t, client.Del(t.Context(), key).Err())
				require.NoError(t, test.put(key))
				there := client.Dump(t.Context(), key).Val()
				si.release()
				assert.False(t, (<-held).ok(), "a change that has begun before")
				for _, target := range []string{"/read", "/count", "/logout", "/login?as=bob"} {
					assert.False(t, v.post(target).ok(), "POST %s", target)
				}
				_, err := si.sessions.List(t.Context(), "alice")
				assert.Error(t, err)
				requireFailure(t, si.sessions.Modify(t.Context(), v.id(), increment), "Modify")
				assert.Equal(t, there, client.Dump(t.Context(), key).Val(), "what is there")
			})
			assert.Equal(t, token, v.token(), "the cookie")
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
			var visitors []*visitor
			for range 3 {
				v := si.visitor()
				require.True(t, v.post("/login?as="+name).ok())
				visitors = append(visitors, v)
			}
			key := "session:" + visitors[1].id().String()
			require.NoError(t, client.Del(t.Context(), key).Err())
			require.NoError(t, put(key))
			there := client.Dump(t.Context(), key).Val()
			si.during(func() {
				assert.False(t, visitors[0].post("/revoke?whose="+name).ok())
				assert.Equal(t, answer{200, "new"}, visitors[0].post("/read"))
				assert.False(t, visitors[1].post("/read").ok())
				assert.Equal(t, answer{200, "new"}, visitors[2].post("/read"))
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
			old, v := si.visitor(), si.visitor()
			require.True(t, old.post("/login?as=alice").ok())
			require.True(t, v.post("/count").ok())
			token := v.token()
			require.NoError(t, client.Del(t.Context(), key).Err())
			require.NoError(t, put())
			there := client.Dump(t.Context(), key).Val()
			si.during(func() {
				assert.False(t, v.post("/login?as=alice").ok())
				assert.False(t, si.visitor().post("/login?as=alice").ok())
				assert.False(t, v.post("/revoke?whose=alice").ok())
				_, err := si.sessions.List(t.Context(), "alice")
				assert.Error(t, err)
				assert.Contains(t, si.complaints(), key, "which key it is")
			})
			assert.Equal(t, there, client.Dump(t.Context(), key).Val(), "what is there")
			assert.Equal(t, answer{200, "1 "}, v.post("/read"), "nobody has logged in")
			assert.Equal(t, token, v.token(), "the cookie")
			assert.Equal(t, answer{200, "0 alice"}, old.post("/read"), "who has logged in before")
			assert.True(t, old.post("/logout").ok())
			require.NoError(t, client.Del(t.Context(), key).Err())
		})
	}
	t.Run("junk among the sessions", func(t *testing.T) {
		si := newSite(t, client)
		v := si.visitor()
		require.True(t, v.post("/login?as=alice").ok())
		require.NoError(t, client.ZAdd(t.Context(), key, redis.Z{Score: 1e13, Member: "junk"}).Err())
		si.during(func() {
			assert.False(t, v.post("/revoke?whose=alice").ok(), "it cannot tell whether a session is missing")
		})
	})
}
