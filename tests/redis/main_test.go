// Package redis tests the Redis store against real servers.
package redis_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{}) // servers that are down are what is tested
	os.Exit(m.Run())
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// patience is for a server on a machine that does much else.
const patience = 2 * time.Minute

// connect returns a client as the README recommends it, which waits for longer.
func connect(t testing.TB, s *servers.Server) *redis.Client {
	t.Helper()
	return closed(t, redis.NewClient(&redis.Options{
		Addr: s.Addr(), ContextTimeoutEnabled: true, ReadTimeout: patience, WriteTimeout: patience, DialTimeout: patience, PoolTimeout: patience,
	}))
}

func connectCluster(t testing.TB, nodes []*servers.Server) *redis.ClusterClient {
	t.Helper()
	return closed(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs(nodes), ContextTimeoutEnabled: true}))
}

func connectSentinel(t testing.TB, sentinels []*servers.Server) *redis.Client {
	t.Helper()
	return closed(t, redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: servers.SentinelMaster, SentinelAddrs: addrs(sentinels), ContextTimeoutEnabled: true,
	}))
}

func addrs(all []*servers.Server) (addrs []string) {
	for _, s := range all {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

// closed returns the client, and closes it with the test.
func closed[C redis.UniversalClient](t testing.TB, c C) C {
	t.Helper()
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// record returns a record of a subject, with an hour to live.
func record(subject string) session.Record {
	return session.Record{
		ID: session.NewID(), Version: 1, Subject: subject,
		ExpiresAt: in(time.Hour), Data: []byte("the data"),
	}
}

// in is a time from now, as a store keeps it.
func in(d time.Duration) time.Time { return time.Now().Add(d).UTC().Truncate(time.Millisecond) }

// create stores a record, which is not what the test is about.
func create(t testing.TB, s *sessionredis.Store, r session.Record) session.Record {
	t.Helper()
	require.NoError(t, s.Create(t.Context(), r), "Create")
	return r
}

// newSite starts a site that keeps its sessions in Redis.
func newSite(t testing.TB, client redis.UniversalClient) *stress.Site {
	t.Helper()
	return stress.NewSite(t, sessionredis.New(client, nil))
}
