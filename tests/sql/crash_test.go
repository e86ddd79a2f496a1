package sql_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/stress"
)

// TestKilled kills a server that keeps what it acknowledges, under load.
func TestKilled(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			server := b.serve(t)
			si := b.site(t, b.connect(t, server))
			store := b.migrated(t, b.connect(t, server), sessionsql.Options{})
			c, h := stress.NewCrowd(si), stress.RecordStore(t, store, store)
			for range 2 {
				c.AwaitServed(200)
				h.Await(50)
				si.During(func() {
					server.Kill()
					c.AwaitRefused(10)
					h.AwaitUnknown(5)
					require.NoError(t, server.Start())
				})
				assert.True(t, si.Visitor().Post("/count").OK(), "the first request after the server is back")
			}
			c.AwaitServed(200)
			h.Await(50)
			c.Leave()
			h.Check()
		})
	}
}
