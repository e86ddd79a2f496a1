package redis_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestClusterFaults does to one Cluster, one after the other, what may happen
// to it while the application goes on.
func TestClusterFaults(t *testing.T) {
	t.Parallel()
	nodes := servers.RedisCluster(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, []*servers.Server)
	}{
		{"reshard", reshard},
		{"half a slot", halfSlot},
		{"master killed", masterKilled},
		{"host gone", hostGone},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, nodes) })
	}
}

// unaware is for how long go-redis by itself surely does not look where the masters
// are: it does once a minute. A store that has it look needs a moment.
const unaware = 50 * time.Second

// masterKilled kills a master under load: its replica is promoted.
func masterKilled(t *testing.T, nodes []*servers.Server) {
	f := newFailover(t, nodes, connectCluster(t, nodes))
	alone := closed(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs(nodes[1:])}))
	other := "other:{" + keyOf(f.hit[0]) + "}" // in the same slot
	require.NoError(t, alone.Set(t.Context(), other, 1, time.Hour).Err())
	looked := time.Now()

	f.During(func() {
		holdWrites(t, f.master, f.replica)
		nodes[0].Kill()
		f.wantWritable(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := alone.Set(ctx, other, 2, time.Hour).Err(); time.Since(looked) < unaware {
			assert.Error(t, err, "go-redis by itself has noticed too")
		}
	})
	f.wantOthersServed(t)

	// It comes back without data and in its old role, of which it is relieved.
	require.NoError(t, nodes[0].Start())
	stress.Await(t, func() bool { return !isMaster(t, f.master) && linked(t, f.master) })
	f.AwaitServed(300)
	// And takes over again, once its successor knows it for its replica.
	id := f.replica.ClusterMyID(t.Context()).Val()
	stress.Await(t, func() bool { return len(f.replica.Do(t.Context(), "CLUSTER", "REPLICAS", id).Val().([]any)) > 0 })
	require.NoError(t, f.master.ClusterFailover(t.Context()).Err())
	stress.Await(t, func() bool { return isMaster(t, f.master) })
	f.AwaitServed(300)
	f.Leave()
}

// hostGone takes a master from the network under load: nothing that
// is sent to it, nor an attempt to connect, gets an answer. With its default
// options a client may wait 25 seconds for that, before it asks another node
// where the masters are.
func hostGone(t *testing.T, nodes []*servers.Server) {
	var gone atomic.Bool
	f := newFailover(t, nodes, closed(t, redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addrs(nodes), ContextTimeoutEnabled: true,
		DialTimeout: time.Second, DialerRetries: 1, ReadTimeout: time.Second,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == nodes[0].Addr() && gone.Load() {
				<-ctx.Done()
				return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	})))
	f.During(func() {
		holdWrites(t, f.master, f.replica)
		gone.Store(true)
		require.NoError(t, nodes[0].Signal(syscall.SIGSTOP))
		assert.Less(t, f.wantWritable(t), unaware, "from the promotion until sessions of this shard can be written")
		f.wantOthersServed(t)
		// What it had not executed yet it does now, before it knows of its successor.
		gone.Store(false)
		require.NoError(t, nodes[0].Signal(syscall.SIGCONT))
		require.NoError(t, f.master.Do(t.Context(), "CLIENT", "UNPAUSE").Err())
		stress.Await(t, func() bool { return !isMaster(t, f.master) && linked(t, f.master) })
	})
	f.AwaitServed(300)
	f.Leave()
}

// A failover is that of the first node of a Cluster, under load.
type failover struct {
	*stress.Crowd
	hit, safe       []*stress.Counter // whose sessions are in its shard, and in the others
	master, replica *redis.Client
}

func newFailover(t testing.TB, nodes []*servers.Server, client *redis.ClusterClient) *failover {
	t.Helper()
	for _, n := range nodes {
		// Or a shard without a master would close the others.
		require.NoError(t, connect(t, n).ConfigSet(t.Context(), "cluster-require-full-coverage", "no").Err())
	}
	f := &failover{Crowd: stress.NewCrowd(newSite(t, client)), master: connect(t, nodes[0]), replica: connect(t, nodes[3])}
	for len(f.hit) < 2 || len(f.safe) < 2 {
		n := f.Add()
		if masterOf(t, client, keyOf(n)) == nodes[0].Addr() {
			f.hit = append(f.hit, n)
		} else {
			f.safe = append(f.safe, n)
		}
	}
	f.AwaitServed(300)
	return f
}

func keyOf(v *stress.Counter) string { return "session:" + v.ID().String() }

func masterOf(t testing.TB, client *redis.ClusterClient, key string) (addr string) {
	t.Helper()
	node, err := client.MasterForKey(t.Context(), key)
	require.NoError(t, err)
	return node.Options().Addr
}

// wantWritable waits for the promotion of the replica, and returns how long it
// then takes until all in that shard have written.
func (f *failover) wantWritable(t testing.TB) time.Duration {
	t.Helper()
	stress.Await(t, func() bool { return isMaster(t, f.replica) })
	promoted := time.Now()
	for _, n := range f.hit {
		n.AwaitServed()
	}
	took := time.Since(promoted)
	t.Logf("writable %v after the promotion", took)
	return took
}

// wantOthersServed checks that those in the other shards have not noticed.
func (f *failover) wantOthersServed(t testing.TB) {
	t.Helper()
	var refused int64
	for _, n := range f.hit {
		refused += n.Refused()
	}
	assert.NotZero(t, refused, "requests that were refused, in the shard that had no master")
	for _, n := range f.safe {
		assert.Zero(t, n.Refused(), "requests that were refused, in another shard")
	}
}

func isMaster(t testing.TB, client *redis.Client) bool {
	t.Helper()
	role, err := client.Do(t.Context(), "ROLE").Slice()
	return err == nil && role[0] == "master"
}

// linked tells whether a replica follows its master.
func linked(t testing.TB, client *redis.Client) bool {
	t.Helper()
	return strings.Contains(client.Info(t.Context(), "replication").Val(), "master_link_status:up")
}

// holdWrites keeps all writes waiting, and returns when the replica has those
// that were acknowledged, which Redis does not promise otherwise.
func holdWrites(t testing.TB, master, replica *redis.Client) {
	t.Helper()
	require.NoError(t, master.Do(t.Context(), "CLIENT", "PAUSE", stress.Patience.Milliseconds(), "WRITE").Err())
	written := info(t, master, "master_repl_offset")
	stress.Await(t, func() bool { return info(t, replica, "slave_repl_offset") >= written })
}

// info returns a number that INFO shows.
func info(t testing.TB, client *redis.Client, name string) (n int64) {
	t.Helper()
	text, err := client.Info(t.Context()).Result()
	require.NoError(t, err)
	_, value, _ := strings.Cut(text, "\n"+name+":")
	_, err = fmt.Sscan(value, &n)
	require.NoError(t, err, name)
	return n
}
