package redis_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
)

// The line of the README, what a Cluster needs besides, and the user of a
// client at the sentinels, whose own these are.
const (
	grant        = "ACL SETUSER sessions on >PASSWORD resetkeys ~session:* resetchannels -@all +get +getrange +set +del +zadd +zrange +zremrangebyscore +pexpire +eval +evalsha"
	grantAll     = "+scan +info"
	grantCluster = "+cluster|slots +command +asking"
	grantWatcher = "ACL SETUSER sessions on >PASSWORD resetkeys allchannels -@all +sentinel|get-master-addr-by-name +sentinel|sentinels +subscribe +ping"
)

// allow makes the user of grant, with these words more, less the one without.
func allow(t testing.TB, s *servers.Server, more, without string) {
	t.Helper()
	let(t, s, grant+" "+more, without)
}

func let(t testing.TB, s *servers.Server, line, without string) {
	t.Helper()
	words := strings.Fields(strings.Replace(line, " on ", " reset on ", 1))
	words = slices.DeleteFunc(words, func(word string) bool { return word == without })
	args := make([]any, len(words))
	for i, word := range words {
		args[i] = word
	}
	c := connect(t, s)
	require.NoError(t, c.Do(t.Context(), args...).Err())
	require.NoError(t, c.ACLLogReset(t.Context()).Err())
}

// denied is what the server has refused since.
func denied(t testing.TB, s *servers.Server) (all []string) {
	t.Helper()
	entries, err := connect(t, s).ACLLog(t.Context(), 100).Result()
	require.NoError(t, err)
	for _, e := range entries {
		all = append(all, fmt.Sprint(e.Count, " x ", e.Object))
	}
	return all
}

// connectUser returns a client of the user of grant.
func connectUser(t testing.TB, s *servers.Server) *redis.Client {
	t.Helper()
	return closed(t, redis.NewClient(&redis.Options{
		Addr: s.Addr(), Username: "sessions", Password: "PASSWORD", ContextTimeoutEnabled: true,
	}))
}

// exercise takes every way through the store.
func exercise(ctx context.Context, s *sessionredis.Store, subject string) error {
	r, gone := record(subject+" before"), record(subject)
	_, missing := s.Load(ctx, r.ID)
	if errors.Is(missing, session.ErrNotFound) {
		missing = nil
	}
	errs := []error{missing, s.Create(ctx, r), s.Create(ctx, gone)}
	r.Subject = subject
	errs = append(errs, s.Update(ctx, r), s.Touch(ctx, r.ID, in(10*time.Hour)))
	r.Version, r.ExpiresAt = r.Version+1, time.Time{}
	gone.ExpiresAt = in(-time.Second)
	errs = append(errs, s.Update(ctx, r), s.Update(ctx, gone))
	_, err := s.List(ctx, subject)
	n, deleteAll := s.DeleteAll(ctx, subject)
	if deleteAll == nil && n != 1 {
		deleteAll = fmt.Errorf("DeleteAll: got %d, want 1", n)
	}
	return errors.Join(append(errs, err, deleteAll, s.Delete(ctx, r.ID))...)
}

func TestACLInREADME(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(gotool.Root(t), "redis", "README.md"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "\n"+grant+"\n")
	assert.Contains(t, string(text), "\n"+grantWatcher+"\n")
	assert.Contains(t, string(text), "`Manager.All` also needs `"+grantAll+"`")
	assert.Contains(t, string(text), "in a Cluster add `"+grantCluster+"`")
}

// TestACL shows that the user needs each command of the README's line; TestStore
// shows that it needs no other.
func TestACL(t *testing.T) {
	s := servers.Redis(t)
	store := sessionredis.New(connectUser(t, s), nil)
	for _, word := range strings.Fields(grant) {
		if !strings.HasPrefix(word, "+") {
			continue
		}
		t.Run("without "+word, func(t *testing.T) {
			require.NoError(t, connect(t, s).ScriptFlush(t.Context()).Err())
			allow(t, s, "", word)
			require.Error(t, exercise(t.Context(), store, "alice"))
		})
	}
	t.Run("with all", func(t *testing.T) {
		allow(t, s, "", "")
		require.NoError(t, exercise(t.Context(), store, "alice"))
		assert.Empty(t, denied(t, s))
	})
	for _, word := range strings.Fields(grantAll) {
		t.Run("All without "+word, func(t *testing.T) {
			allow(t, s, grantAll, word)
			require.ErrorContains(t, goThrough(t.Context(), store), "NOPERM")
		})
	}
	t.Run("All", func(t *testing.T) {
		allow(t, s, grantAll, "")
		require.NoError(t, goThrough(t.Context(), store))
		assert.Empty(t, denied(t, s))
	})
	t.Run("of another prefix", func(t *testing.T) {
		allow(t, s, "", "")
		other := sessionredis.New(connectUser(t, s), &sessionredis.Options{Prefix: "other:"})
		require.Error(t, exercise(t.Context(), other, "alice"))
	})
}

// TestACLOfCluster: what a client of a Cluster asks for besides.
func TestACLOfCluster(t *testing.T) {
	nodes := servers.RedisCluster(t)
	// The slot of this prefix is on the move, and what is new is created where
	// it goes.
	const prefix = "session:{moving}:"
	ctx := t.Context()
	admin := connectCluster(t, nodes)
	slot, err := admin.ClusterKeySlot(ctx, prefix).Result()
	require.NoError(t, err)
	from, err := admin.MasterForKey(ctx, prefix)
	require.NoError(t, err)
	to, err := admin.MasterForKey(ctx, "session:{elsewhere}:")
	require.NoError(t, err)
	require.NotEqual(t, from.Options().Addr, to.Options().Addr)
	fromID, err := from.Do(ctx, "cluster", "myid").Text()
	require.NoError(t, err)
	toID, err := to.Do(ctx, "cluster", "myid").Text()
	require.NoError(t, err)
	require.NoError(t, to.Do(ctx, "cluster", "setslot", slot, "importing", fromID).Err())
	require.NoError(t, from.Do(ctx, "cluster", "setslot", slot, "migrating", toID).Err())

	// try returns what was refused while a new client did something.
	try := func(t *testing.T, without string, do func(ctx context.Context, s *sessionredis.Store, subject string) error) (refused []string, err error) {
		for _, s := range nodes {
			allow(t, s, grantCluster+" "+grantAll, without)
		}
		c := closed(t, redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: []string{nodes[0].Addr()}, Username: "sessions", Password: "PASSWORD", ContextTimeoutEnabled: true,
		}))
		for _, p := range []string{"session:", prefix} {
			err = errors.Join(err, do(ctx, sessionredis.New(c, &sessionredis.Options{Prefix: p}), "alice"))
		}
		for _, s := range nodes {
			refused = append(refused, denied(t, s)...)
		}
		return refused, err
	}
	for _, word := range strings.Fields(grantCluster) {
		t.Run("without "+word, func(t *testing.T) {
			refused, err := try(t, word, func(ctx context.Context, s *sessionredis.Store, _ string) error { return s.Create(ctx, record("")) })
			assert.NotEmpty(t, refused)
			// Without COMMAND all works, but the client asks for it each time.
			if word != "+command" {
				assert.Error(t, err)
			}
		})
	}
	t.Run("with all", func(t *testing.T) {
		refused, err := try(t, "", exercise)
		require.NoError(t, err)
		assert.Empty(t, refused)
		refused, err = try(t, "", func(ctx context.Context, s *sessionredis.Store, _ string) error { return goThrough(ctx, s) })
		require.NoError(t, err)
		assert.Empty(t, refused)
	})
}

func TestACLOfSentinel(t *testing.T) {
	sentinels, master, replica := servers.RedisSentinel(t)
	for _, s := range sentinels {
		let(t, s, grantWatcher, "")
	}
	allow(t, master, "", "")
	allow(t, replica, "", "")
	c := closed(t, redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: servers.SentinelMaster, SentinelAddrs: addrs(sentinels), ContextTimeoutEnabled: true,
		Username: "sessions", Password: "PASSWORD", SentinelUsername: "sessions", SentinelPassword: "PASSWORD",
	}))
	require.NoError(t, exercise(t.Context(), sessionredis.New(c, nil), "alice"))
	for _, s := range append(sentinels, master, replica) {
		assert.Empty(t, denied(t, s))
	}
}
