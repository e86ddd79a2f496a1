package redis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// goThrough returns the error that ends All.
func goThrough(ctx context.Context, s *sessionredis.Store) (err error) {
	for _, err = range s.All(ctx) {
		if err != nil {
			break
		}
	}
	return err
}

// TestAll goes through the sessions of one application among those of others, whose
// prefixes are patterns that match it, or begin like its own.
func TestAll(t *testing.T) {
	const many = 1500 // more than a page
	one, nodes := servers.Redis(t), servers.RedisCluster(t)
	for name, client := range map[string]redis.UniversalClient{"one node": connect(t, one), "Cluster": connectCluster(t, nodes)} {
		t.Run(name, func(t *testing.T) {
			prefixes := []string{"session:", "s*", "session?", "[s]ession:", `session:\`, "sess{ion}:", "session:x:", "^-]"}
			want := map[string]map[session.ID]session.Record{}
			for i, prefix := range prefixes {
				want[prefix] = map[session.ID]session.Record{}
				store := sessionredis.New(client, &sessionredis.Options{Prefix: prefix})
				for n := range map[bool]int{true: many, false: 20}[i == 0] {
					// Some sets of subjects have names like those of sessions.
					r := record([]string{"", "alice", "-" + session.NewID().String()[9:]}[n%3])
					want[prefix][r.ID] = create(t, store, r)
				}
			}
			for _, prefix := range prefixes {
				got := map[session.ID]session.Record{}
				for r, err := range sessionredis.New(client, &sessionredis.Options{Prefix: prefix}).All(t.Context()) {
					require.NoError(t, err, prefix)
					got[r.ID] = r
				}
				require.Equal(t, want[prefix], got, "the sessions of %q", prefix)
			}
		})
	}
}

// TestAllTakesSmallSteps: each command of All works on a small part, and the sets of
// subjects are not read.
func TestAllTakesSmallSteps(t *testing.T) {
	const many, page = 5000, 1024
	client := connect(t, servers.Redis(t))
	store := sessionredis.New(client, nil)
	for i := range many {
		create(t, store, record(fmt.Sprint("owner ", i%10)))
	}
	sent := newTally()
	client.AddHook(sent)
	require.NoError(t, goThrough(t.Context(), store))
	scans, gets := 0, 0
	for _, trip := range sent.take() {
		switch words := firstWords([][]redis.Cmder{trip}, 1); words {
		case "info":
			scans++
		case "get":
			gets += len(trip)
			assert.LessOrEqual(t, len(trip), 256, "sessions read at once")
		default:
			t.Errorf("All sends %s", words)
		}
	}
	assert.GreaterOrEqual(t, scans, many/page, "pages")
	assert.Less(t, gets, 2*many, "sessions read")
}

// TestAllAcrossARestart: another process knows nothing of the place in the keys at
// which the one before it was. All says so, and shows no less as if that were all.
func TestAllAcrossARestart(t *testing.T) {
	const many = 3000
	server := servers.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	client := connect(t, server)
	store := sessionredis.New(client, nil)
	for range many {
		create(t, store, record(""))
	}
	for _, at := range []int64{2, 3, 7} { // a round trip
		hooked := connectLike(t, client)
		restart, _ := beforeTrip(at, func() {
			server.Kill()
			require.NoError(t, server.Start())
		})
		hooked.AddHook(restart)
		seen := map[session.ID]bool{}
		var failure error
		for r, err := range sessionredis.New(hooked, nil).All(t.Context()) {
			failure = err
			seen[r.ID] = true
		}
		stress.RequireFailure(t, failure, "All")
		assert.ErrorContains(t, failure, "begin anew")
		assert.Less(t, len(seen), many)
	}
}

// TestAllOfAGatheringClient: a client that gathers commands of a Cluster sends what
// has no key to any server.
func TestAllOfAGatheringClient(t *testing.T) {
	nodes := servers.RedisCluster(t)
	c, err := connectCluster(t, nodes).AutoPipeline()
	require.NoError(t, err)
	err = goThrough(t.Context(), sessionredis.New(c, nil))
	stress.RequireFailure(t, err, "All")
	assert.True(t, strings.Contains(err.Error(), "make a store of the redis.ClusterClient"), err)
}
