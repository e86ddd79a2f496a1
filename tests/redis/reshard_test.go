package redis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// reshard moves all that a site has, which is in one slot, from each master
// of a Cluster to the next, key by key and under load: nobody notices.
func reshard(t *testing.T, nodes []*servers.Server) {
	client := connectCluster(t, nodes)
	si := stress.NewSite(t, sessionredis.New(client, &sessionredis.Options{Prefix: "{shop}:"}))
	c := stress.NewCrowd(si)
	m := newMoving(t, nodes, masterOf(t, client, "{shop}:"))
	for range 3 {
		c.AwaitServed(100)
		m.begin()
		for m.moveOne() {
			c.AwaitServed(2)
		}
		m.end(50)
	}
	c.Leave()
	assert.Zero(t, c.Refused())
	assert.Equal(t, "[]", c.Complaints())
	for _, kind := range []string{"ASK", "MOVED", "NOSCRIPT"} {
		assert.NotZero(t, m.told(kind), "how often a client was told %s", kind)
	}
}

// halfSlot lists and revokes sessions of which some have moved.
func halfSlot(t *testing.T, nodes []*servers.Server) {
	client := connectCluster(t, nodes)
	si := stress.NewSite(t, sessionredis.New(client, &sessionredis.Options{Prefix: "{shop}:"}))
	m := newMoving(t, nodes, masterOf(t, client, "{shop}:"))
	const all = 6
	for moved := range all + 1 { // the set of the subject is among the keys
		for range all {
			require.True(t, si.Visitor().Post("/login?as=alice").OK())
		}
		m.begin()
		for range moved {
			require.True(t, m.moveOne())
		}
		list, err := si.Sessions.List(t.Context(), "alice")
		require.NoError(t, err)
		assert.Len(t, list, all, "sessions that List finds, when %d of %d keys have moved", moved, all+1)
		require.Equal(t, stress.OK("6"), si.Visitor().Post("/revoke?whose=alice"), "when %d of %d keys have moved", moved, all+1)
		for m.moveOne() {
		}
		m.end(0)
	}
}

// A moving is that of a slot among the masters of a Cluster.
type moving struct {
	testing.TB
	slot                  int
	source, target, other *redis.Client
}

func newMoving(t testing.TB, nodes []*servers.Server, from string) *moving {
	t.Helper()
	at := slices.IndexFunc(nodes, func(n *servers.Server) bool { return n.Addr() == from })
	m := &moving{TB: t, source: connect(t, nodes[at]), target: connect(t, nodes[(at+1)%3]), other: connect(t, nodes[(at+2)%3])}
	m.slot = int(m.source.ClusterKeySlot(t.Context(), "{shop}:").Val())
	return m
}

func (m *moving) do(node *redis.Client, command ...any) string {
	m.Helper()
	text, err := node.Do(m.Context(), command...).Text()
	require.NoError(m, err, "%v", command)
	return text
}

// begin has the source send on for keys that it does not have, to a target
// that knows no script.
func (m *moving) begin() {
	m.do(m.target, "SCRIPT", "FLUSH")
	m.do(m.target, "CLUSTER", "SETSLOT", m.slot, "IMPORTING", m.do(m.source, "CLUSTER", "MYID"))
	m.do(m.source, "CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.do(m.target, "CLUSTER", "MYID"))
}

// moveOne moves a key, and returns false when none is left.
func (m *moving) moveOne() bool {
	keys := m.source.ClusterGetKeysInSlot(m.Context(), m.slot, 1).Val()
	if len(keys) == 0 {
		return false
	}
	host, port, _ := strings.Cut(m.target.Options().Addr, ":")
	m.do(m.source, "MIGRATE", host, port, keys[0], 0, stress.Patience.Milliseconds())
	return true
}

// end gives the slot to the target. Before that, source and target disagree for
// as long as it takes to send that many clients from one to the other.
func (m *moving) end(sent int64) {
	id, before := m.do(m.target, "CLUSTER", "MYID"), m.told("MOVED")
	m.do(m.source, "CLUSTER", "SETSLOT", m.slot, "NODE", id)
	stress.Await(m, func() bool { return m.told("MOVED") >= before+sent })
	m.do(m.target, "CLUSTER", "SETSLOT", m.slot, "NODE", id)
	m.do(m.other, "CLUSTER", "SETSLOT", m.slot, "NODE", id)
	m.source, m.target, m.other = m.target, m.other, m.source
}

// told returns how often a client was told where to go instead.
func (m *moving) told(kind string) (times int64) {
	for _, node := range []*redis.Client{m.source, m.target, m.other} {
		var n int64
		_, text, _ := strings.Cut(node.Info(m.Context(), "errorstats").Val(), "errorstat_"+kind+":count=")
		_, _ = fmt.Sscan(text, &n) // zero where there was none
		times += n
	}
	return times
}
