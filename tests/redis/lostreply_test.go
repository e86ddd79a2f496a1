package redis_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// A loss is a call one of whose replies is lost.
type loss struct {
	name string
	do   func(ctx context.Context, s *sessionredis.Store, r session.Record) error

	of   string // whose command it is: the session, or the set of its subject
	skip int    // so many such commands before it
	cold bool   // the server knows no scripts

	fresh bool   // the record is not stored before
	after string // what is stored then

	// The store repeats what cannot be done twice, and then the call succeeds.
	// Else its error says nothing about the outcome.
	repeated bool
}

func changed(r session.Record) session.Record {
	r.Data, r.ExpiresAt = []byte("changed"), r.ExpiresAt.Add(10*time.Minute)
	return r
}

var losses = []loss{
	{name: "Load", of: "session", after: "the same", repeated: true, do: func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		_, err := s.Load(ctx, r.ID)
		return err
	}},
	{name: "Create, not entered", of: "set", fresh: true, after: "it", repeated: true, do: createOf},
	{name: "Create", of: "session", fresh: true, after: "it", do: createOf},
	{name: "Create over another", of: "session", after: "the same", do: createOf},
	{name: "Create over another, in the end", of: "session", skip: 1, after: "the same", do: createOf},
	{name: "Create over another, by digest", of: "session", skip: 1, cold: true, after: "the same", do: createOf},
	{name: "Create over another, by text", of: "session", skip: 2, cold: true, after: "the same", do: createOf},
	{name: "Update", of: "session", after: "the change", do: updateOf},
	{name: "Update, by digest", of: "session", cold: true, after: "the change", repeated: true, do: updateOf},
	{name: "Update, by text", of: "session", cold: true, skip: 1, after: "the change", do: updateOf},
	{name: "Update over another version", of: "session", after: "the same", do: func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		r.Version += 7
		return s.Update(ctx, r)
	}},
	{name: "Update to the past", of: "session", after: "nothing", do: func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		r.ExpiresAt = in(-time.Second)
		return s.Update(ctx, r)
	}},
	{name: "Update that keeps the expiry", of: "session", after: "the data", do: keepOf},
	{name: "Update of the subject that keeps the expiry", of: "session", skip: 1, after: "another's", do: keepOfAnother},
	{name: "Touch", of: "session", after: "touched", repeated: true, do: func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		return s.Touch(ctx, r.ID, r.ExpiresAt.Add(10*time.Minute))
	}},
	{name: "Touch beyond the lease", of: "set", after: "touched far", repeated: true, do: touchFar},
	{name: "Touch beyond the lease, in the end", of: "session", skip: 1, after: "touched far", repeated: true, do: touchFar},
	{name: "Delete", of: "session", after: "nothing", repeated: true, do: func(ctx context.Context, s *sessionredis.Store, r session.Record) error {
		return s.Delete(ctx, r.ID)
	}},
	{name: "List", of: "set", after: "the same", repeated: true, do: listOf},
	{name: "List, of the sessions", of: "session", after: "the same", repeated: true, do: listOf},
	{name: "DeleteAll", of: "set", after: "nothing", repeated: true, do: deleteAllOf},
	{name: "DeleteAll, of the look at the sessions", of: "session", after: "nothing", repeated: true, do: deleteAllOf},
	{name: "DeleteAll, of the sessions", of: "session", skip: 1, after: "nothing", do: deleteAllOf},
}

func createOf(ctx context.Context, s *sessionredis.Store, r session.Record) error {
	return s.Create(ctx, r)
}

func updateOf(ctx context.Context, s *sessionredis.Store, r session.Record) error {
	return s.Update(ctx, changed(r))
}

func keepOf(ctx context.Context, s *sessionredis.Store, r session.Record) error {
	r.Data, r.ExpiresAt = []byte("changed"), time.Time{}
	return s.Update(ctx, r)
}

func keepOfAnother(ctx context.Context, s *sessionredis.Store, r session.Record) error {
	r.Subject += ", changed"
	return keepOf(ctx, s, r)
}

func touchFar(ctx context.Context, s *sessionredis.Store, r session.Record) error {
	return s.Touch(ctx, r.ID, r.ExpiresAt.Add(100*time.Hour))
}

func listOf(ctx context.Context, s *sessionredis.Store, r session.Record) error {
	_, err := s.List(ctx, r.Subject)
	return err
}

func deleteAllOf(ctx context.Context, s *sessionredis.Store, r session.Record) error {
	_, err := s.DeleteAll(ctx, r.Subject)
	return err
}

// stored is what is there after a loss.
func (l *loss) stored(r session.Record) (_ session.Record, live bool) {
	switch l.after {
	case "the change":
		r = changed(r)
		r.Version++
	case "the data", "another's":
		r.Version++
		r.Data = []byte("changed")
		if l.after == "another's" {
			r.Subject += ", changed"
		}
	case "touched":
		r.ExpiresAt = r.ExpiresAt.Add(10 * time.Minute)
	case "touched far":
		r.ExpiresAt = r.ExpiresAt.Add(100 * time.Hour)
	}
	return r, l.after != "nothing"
}

func TestLostReply(t *testing.T) {
	server := servers.Redis(t)
	nodes := servers.RedisCluster(t)
	one, oneClient := behind(t, server)
	many, manyClient := behindAll(t, nodes)
	for _, place := range []struct {
		name    string
		proxies []*stress.Proxy
		client  redis.UniversalClient
		direct  redis.UniversalClient
	}{
		{"one node", []*stress.Proxy{one}, oneClient, connect(t, server)},
		{"Cluster", many, manyClient, connectCluster(t, nodes)},
	} {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel() // most of it waits for a reply that does not come
			for _, l := range losses {
				for how, mute := range map[string]bool{"cut": false, "silent": true} {
					t.Run(l.name+"/"+how, func(t *testing.T) {
						l.test(t, place.proxies, mute, place.client, place.direct)
					})
				}
			}
		})
	}
}

func (l *loss) test(t *testing.T, proxies []*stress.Proxy, mute bool, client, direct redis.UniversalClient) {
	store, control := sessionredis.New(client, nil), sessionredis.New(direct, nil)
	r := record("subject of " + session.NewID().String())
	if !l.fresh {
		create(t, control, r)
		_, err := store.Load(t.Context(), r.ID) // as always before a write
		require.NoError(t, err)
	}
	teachScripts(t, direct, !l.cold)
	needle := map[string]string{"session": "session:" + r.ID.String(), "set": "subject:" + r.Subject}[l.of]
	for _, p := range proxies {
		p.Lose(needle, l.skip, mute)
	}
	err := l.do(t.Context(), store, r)
	lost := 0
	for _, p := range proxies {
		lost += p.Losses()
		p.Lose("", 0, false)
	}
	require.Equal(t, 1, lost, "replies lost")
	if l.repeated {
		require.NoError(t, err)
	} else {
		stress.RequireFailure(t, err, l.name)
	}

	want, live := l.stored(r)
	got, err := control.Load(t.Context(), r.ID)
	if !live {
		require.ErrorIs(t, err, session.ErrNotFound)
		return
	}
	require.NoError(t, err)
	assert.Equal(t, want, got)
	list, err := control.List(t.Context(), want.Subject)
	require.NoError(t, err)
	assert.Equal(t, []session.Record{want}, list)
}

// behind returns a proxy and a client of the server behind it, which finds out
// at once that a reply does not come.
func behind(t testing.TB, s *servers.Server) (*stress.Proxy, *redis.Client) {
	t.Helper()
	p := stress.NewProxy(t, s.Addr())
	return p, closed(t, redis.NewClient(&redis.Options{
		Addr: s.Addr(), Dialer: stress.DialHastily(p), ContextTimeoutEnabled: true,
	}))
}

func behindAll(t testing.TB, nodes []*servers.Server) (all []*stress.Proxy, _ *redis.ClusterClient) {
	t.Helper()
	for _, s := range nodes {
		all = append(all, stress.NewProxy(t, s.Addr()))
	}
	return all, closed(t, redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addrs(nodes), Dialer: stress.DialHastily(all...), ContextTimeoutEnabled: true,
	}))
}

// script is the text of a script as the store sends it.
func script(t testing.TB, name string) string {
	t.Helper()
	var text string
	for _, name := range []string{"head", name} {
		b, err := os.ReadFile(filepath.Join(gotool.Root(t), "redis", name+".lua"))
		require.NoError(t, err)
		text += string(b)
	}
	return text
}

// teachScripts has all servers know all scripts, or none.
func teachScripts(t testing.TB, client redis.UniversalClient, all bool) {
	t.Helper()
	teach := func(ctx context.Context, c *redis.Client) error {
		err := c.ScriptFlush(ctx).Err()
		for _, name := range []string{"create", "update", "touch", "remove"} {
			if err == nil && all {
				err = c.ScriptLoad(ctx, script(t, name)).Err()
			}
		}
		return err
	}
	if cluster, ok := client.(*redis.ClusterClient); ok {
		require.NoError(t, cluster.ForEachMaster(t.Context(), teach))
		return
	}
	require.NoError(t, teach(t.Context(), client.(*redis.Client)))
}

// TestLostReplyLies shows what TestLostReply would find if the store sent its
// writes as go-redis does by itself: the client repeats the command, and
// reports a conflict with its own success.
func TestLostReplyLies(t *testing.T) {
	p, client := behind(t, servers.Redis(t))
	for how, mute := range map[string]bool{"cut": false, "silent": true} {
		key := "the-key " + how
		p.Lose("the-key", 0, mute)
		err := client.Do(t.Context(), "set", key, "of a session", "px", 3_600_000, "nx").Err()
		require.Equal(t, 1, p.Losses())
		assert.ErrorIs(t, err, redis.Nil, "%s: the answer to SET, which says that the key is there already", how)
		assert.Equal(t, "of a session", client.Get(t.Context(), key).Val())
	}
}
