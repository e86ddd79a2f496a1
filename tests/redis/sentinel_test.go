package redis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/servers"
)

// TestSentinel kills the master under load: the sentinels promote its replica,
// and the application goes on with that.
func TestSentinel(t *testing.T) {
	t.Parallel()
	sentinels, master, replica := servers.RedisSentinel(t)
	former, successor := connect(t, master), connect(t, replica)
	si := newSite(t, connectSentinel(t, sentinels))
	c := newCrowd(t, si)
	c.wait(t, &c.served, 300)
	si.during(func() {
		holdWrites(t, former, successor)
		master.Kill()
		await(t, func() bool { return isMaster(t, successor) })
		promoted := time.Now()
		for _, n := range c.counters {
			before := n.done.Load()
			await(t, func() bool { return n.done.Load() > before })
		}
		t.Logf("writable %v after the promotion", time.Since(promoted))
	})
	c.wait(t, &c.served, 300)
	// It comes back, empty, and may not be taken for the master.
	require.NoError(t, master.Start())
	await(t, func() bool { return !isMaster(t, former) && linked(t, former) })
	c.wait(t, &c.served, 300)
	c.leave(t)
}
