package examples

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/servers"
)

// TestTwoProcesses: two processes of the example on one store share a session,
// of which nothing is lost when they change it at once, or when both restart.
func TestTwoProcesses(t *testing.T) {
	binary := build(t)
	for _, store := range []struct {
		name  string
		start func(t *testing.T) (flag string)
	}{
		{"redis", func(t *testing.T) string { return "redis://" + servers.Redis(t).Addr() }},
		{"postgres", func(t *testing.T) string { return servers.PostgresURL(servers.Postgres(t), "postgres") }},
		{"mysql", func(t *testing.T) string { return "mysql://root@" + servers.MariaDB(t).Addr() + "/test" }},
		{"sqlite", func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "shop.db") }},
	} {
		t.Run(store.name, func(t *testing.T) {
			flag := store.start(t)
			shops := []*servers.Server{open(t, binary, "-store", flag), open(t, binary, "-store", flag)}
			assert.Contains(t, shops[0].Log(), "("+store.name+", nethttp;")

			const requests, tabs = 80, 8
			ann := newVisitor(t, shops[0])
			assert.Regexp(t, `visit <strong id="visits">1<`, ann.get())
			var all sync.WaitGroup
			for i := range tabs { // not all at once: each waits for as long as the others take
				all.Go(func() {
					for range requests / tabs {
						resp, err := ann.client.Get("http://" + shops[i%2].Addr())
						if assert.NoError(t, err) {
							assert.Equal(t, 200, resp.StatusCode)
							assert.NoError(t, resp.Body.Close())
						}
					}
				})
			}
			all.Wait()
			assert.Regexp(t, fmt.Sprintf(`visit <strong id="visits">%d<`, requests+2), ann.get(), "the 1st visit, those of the tabs, and this one")
			ann.post("/login", "name", "Ann")

			for _, s := range shops {
				require.NoError(t, s.Stop())
			}
			for _, s := range shops {
				require.NoError(t, s.Start())
			}
			bob := *ann // the same browser: its cookie is good for every port of the host
			bob.shop = "http://" + shops[1].Addr()
			assert.Contains(t, bob.get(), `<strong id="name">Ann<`, "after a restart, and in the other process")
		})
	}
}
