package redis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestSentinel kills the master under load: the sentinels promote its replica,
// and the application goes on with that.
func TestSentinel(t *testing.T) {
	t.Parallel()
	sentinels, master, replica := servers.RedisSentinel(t)
	former, successor := connect(t, master), connect(t, replica)
	si := newSite(t, connectSentinel(t, sentinels))
	c := stress.NewCrowd(si)
	c.AwaitServed(300)
	si.During(func() {
		holdWrites(t, former, successor)
		master.Kill()
		stress.Await(t, func() bool { return isMaster(t, successor) })
		promoted := time.Now()
		for _, n := range c.Counters {
			n.AwaitServed()
		}
		t.Logf("writable %v after the promotion", time.Since(promoted))
	})
	c.AwaitServed(300)
	// It comes back, empty, and may not be taken for the master.
	require.NoError(t, master.Start())
	stress.Await(t, func() bool { return !isMaster(t, former) && linked(t, former) })
	c.AwaitServed(300)
	c.Leave()
}
