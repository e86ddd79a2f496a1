package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	st := stress.NewStorm()
	st.Latest = time.Until(time.UnixMilli(9_999_999_999_999)) - time.Hour // the year 2286
	var workers sync.WaitGroup
	for n := range uint64(4) {
		store := sessionredis.New(connect(t, server), nil)
		workers.Go(func() { st.Blow(t.Context(), t, store, 100+n, 250) })
	}
	workers.Wait()
	c := connect(t, server)
	require.NotZero(t, c.DBSize(t.Context()).Val())
	requireTTL(t, c, "session:")
}

// TestWhatRedisShows is what the comment of the package and the README show.
func TestWhatRedisShows(t *testing.T) {
	server := servers.Redis(t)
	store := sessionredis.New(connect(t, server), nil)
	cli := func(args ...string) string {
		t.Helper()
		cmd, err := server.Command(t.Context(), "redis-cli", append([]string{"-p", strconv.Itoa(server.Port), "--no-raw"}, args...)...)
		require.NoError(t, err)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	r := record("alice")
	r.Version = 3
	before := time.Now().UnixMilli()
	create(t, store, r)
	lease, err := connect(t, server).ZScore(t.Context(), alice, r.ID.String()).Result()
	require.NoError(t, err)
	expires := r.ExpiresAt.UnixMilli()
	assert.LessOrEqual(t, int64(lease), expires+(expires-before), "the lease is twice as long as the life")
	assert.Equal(t, fmt.Sprintf("\"%d %.0f 00000000000000000003 alice\\x00the data\"\n", expires, lease), cli("GET", key(r)))
	assert.Equal(t, fmt.Sprintf("1) %q\n2) \"%.0f\"\n", r.ID.String(), lease), cli("ZRANGE", alice, "0", "-1", "WITHSCORES"))
	assert.Equal(t, "(integer) 2\n", cli("DBSIZE"))

	r = create(t, store, record(""))
	assert.Equal(t, fmt.Sprintf("\"%d 0000000000000 00000000000000000001 \\x00the data\"\n", r.ExpiresAt.UnixMilli()), cli("GET", key(r)))
	assert.Equal(t, "(integer) 3\n", cli("DBSIZE"))

	id := stress.Login(t, store, session.Options{Realm: "admin"}, "alice")
	assert.Regexp(t, `^"\d{13} \d{13} 0{19}1 admin\\x1falice\\x00`, cli("GET", "session:"+id.String()), "the realm, a separator and the subject")
	assert.Equal(t, "1) \"session:subject:admin\\x1falice\"\n", cli("KEYS", "session:subject:admin*"))
	assert.Equal(t, fmt.Sprintf("1) %q\n", id.String()), cli("ZRANGE", "session:subject:admin\x1falice", "0", "-1"))
}

// TestLogoutInRedis: what a logout leaves lives for the straggler's window. The
// set of the subject stays as it was, and names it until the lease is over.
func TestLogoutInRedis(t *testing.T) {
	server := servers.Redis(t)
	client := connect(t, server)
	si := newSite(t, client)
	v := si.Visitor()
	require.True(t, v.Post("/login?as=alice").OK())
	left := key(session.Record{ID: v.ID()})
	before := client.ZRangeWithScores(t.Context(), alice, 0, -1).Val()
	require.Len(t, before, 1)
	ends := client.PExpireTime(t.Context(), alice).Val()
	require.True(t, v.Post("/logout").OK())

	assert.Regexp(t, `^\d{13} 0000000000000 0{19}2 \x00`, client.Get(t.Context(), left).Val(), "without a lease and without a subject")
	ttl := client.PTTL(t.Context(), left).Val()
	assert.Positive(t, ttl)
	assert.LessOrEqual(t, ttl, time.Minute, "the time to live of what is left")
	assert.Equal(t, before, client.ZRangeWithScores(t.Context(), alice, 0, -1).Val(), "the set of the subject")
	assert.Equal(t, ends, client.PExpireTime(t.Context(), alice).Val(), "when the set ends")
	requireTTL(t, client, "session:")
}

// TestPrefixes: applications that share a Redis see nothing of each other, even
// if they have the same IDs and one knows the other's prefix.
func TestPrefixes(t *testing.T) {
	c := connect(t, servers.Redis(t))
	prefixes := []string{"", "a", "a:", "a:b:", "a:0", "asubject", "a:subject", "a:s", "{a}", "s", "session", "session:s", "session:subject", "subject", "\x00", "a\r\n", "*", "ä:"}
	subjects := []string{"alice", ":alice", "b:subject:alice", "subject:alice"}
	var ids []session.ID
	for range 2 {
		ids = append(ids, session.NewID())
	}
	// An ID and a subject whose keys are alike, if anything is.
	subjects = append(subjects, ids[0].String(), "b:"+ids[0].String())

	stores := map[string]*sessionredis.Store{}
	written := map[string]map[session.ID]session.Record{}
	for _, prefix := range prefixes {
		stores[prefix] = sessionredis.New(c, &sessionredis.Options{Prefix: prefix})
		written[prefix] = map[session.ID]session.Record{}
		for i, id := range append(slices.Clone(ids), session.NewID(), session.NewID(), session.NewID(), session.NewID()) {
			r := record(subjects[i])
			r.ID, r.Data = id, []byte("of "+prefix)
			written[prefix][id] = create(t, stores[prefix], r)
		}
	}
	require.EqualValues(t, len(prefixes)*2*len(subjects), c.DBSize(t.Context()).Val(), "keys: a session and a set for each subject of each")
	for _, prefix := range prefixes {
		// What is left of all sees nothing of what was deleted.
		for _, other := range prefixes {
			for id, r := range written[other] {
				got, err := stores[other].Load(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, r, got)
				list, err := stores[other].List(t.Context(), r.Subject)
				require.NoError(t, err)
				require.Equal(t, []session.Record{r}, list)
			}
		}
		for _, subject := range subjects {
			n, err := stores[prefix].DeleteAll(t.Context(), subject)
			require.NoError(t, err)
			require.Equal(t, 1, n)
		}
		delete(written, prefix)
	}
}

// testHashTag: a hash tag in the prefix keeps everything in one slot.
func testHashTag(t *testing.T, c *redis.ClusterClient) {
	require.NoError(t, c.ForEachMaster(t.Context(), func(ctx context.Context, m *redis.Client) error { return m.FlushDB(ctx).Err() }))
	store := sessionredis.New(c, &sessionredis.Options{Prefix: "{shop}:"})
	const n = 50
	for range n {
		create(t, store, record("alice"))
		create(t, store, record(session.NewID().String()))
	}
	var keys, masters atomic.Int64
	require.NoError(t, c.ForEachMaster(t.Context(), func(ctx context.Context, m *redis.Client) error {
		size, err := m.DBSize(ctx).Result()
		if size > 0 {
			keys.Add(size)
			masters.Add(1)
		}
		return err
	}))
	assert.EqualValues(t, 3*n+1, keys.Load())
	assert.EqualValues(t, 1, masters.Load(), "masters that have keys")
	removed, err := store.DeleteAll(t.Context(), "alice")
	require.NoError(t, err)
	assert.Equal(t, n, removed)
}

func TestStrangeNames(t *testing.T) { testStrangeNames(t, connect(t, servers.Redis(t))) }

// testStrangeNames has IDs and subjects that need care with this or that.
func testStrangeNames(t *testing.T, c redis.UniversalClient) {
	store := sessionredis.New(c, nil)
	for _, subject := range []string{
		" ", " alice ", "a b", "1 2 3", "1795519000000 1795522600000 3 alice", "\r\n", "+OK\r\n$-1\r\n", "'\"\\", "*?[a-z]", "%s%z%%",
		"{", "{}", "{a}", "a}{b", ":", "::", "subject:", "日本", "é", "e\u0301", "\u00a0", "\ufeff", "\U0010ffff",
		"-inf", "nx", "\x01\x1f\x7f", strings.Repeat("x", 255), strings.Repeat("日", 85),
	} {
		t.Run(strconv.Quote(subject), func(t *testing.T) {
			for _, id := range []session.ID{
				session.NewID(), session.ID(bytes.Repeat([]byte{0xff}, 16)), session.ID([]byte("subject:subject:")), {15: 1}, {0: 1},
			} {
				r := record(subject)
				r.ID, r.Data = id, []byte("\x00 1 2 3 \x00")
				create(t, store, r)
				r = changed(r)
				require.NoError(t, store.Update(t.Context(), r))
				r.Version++
				r.ExpiresAt = r.ExpiresAt.Add(10 * time.Hour) // beyond the lease
				require.NoError(t, store.Touch(t.Context(), id, r.ExpiresAt))
				list, err := store.List(t.Context(), subject)
				require.NoError(t, err)
				require.Equal(t, []session.Record{r}, list)
				n, err := store.DeleteAll(t.Context(), subject)
				require.NoError(t, err)
				require.Equal(t, 1, n)
			}
		})
	}
	for _, subject := range []string{"\x00", "alice\x00", "\xff", "alice\xc3", strings.Repeat("x", 256)} {
		r := record(subject)
		stress.RequireFailure(t, store.Create(t.Context(), r), "Create")
		r.Subject = "alice"
		create(t, store, r)
		was := r
		r.Subject = subject
		stress.RequireFailure(t, store.Update(t.Context(), r), "Update")
		got, err := store.Load(t.Context(), r.ID)
		require.NoError(t, err)
		assert.Equal(t, was, got)
	}
	stress.RequireFailure(t, store.Create(t.Context(), session.Record{ExpiresAt: in(time.Hour)}), "Create of the zero ID")
}
