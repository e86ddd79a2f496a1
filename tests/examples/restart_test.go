package examples

import (
	"fmt"
	"net/url"
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
			assert.Contains(t, ann.post("/cart/add", "goods", "Tea", "amount", "1"), `"name">1 × Tea<`)
			var all sync.WaitGroup
			for i := range tabs { // not all at once: each waits for as long as the others take
				tab := *ann
				tab.shop = "http://" + shops[i%2].Addr() // the cookie is good for every port of the host
				all.Go(func() {
					for range requests / tabs {
						resp, err := tab.client.PostForm(tab.shop+"/cart/add", url.Values{"goods": {"Tea"}, "amount": {"1"}})
						if assert.NoError(t, err) {
							assert.Equal(t, 200, resp.StatusCode)
							assert.NoError(t, resp.Body.Close())
						}
					}
				})
			}
			all.Wait()
			assert.Contains(t, ann.get(), fmt.Sprintf(`"name">%d × Tea<`, requests+1), "the first, and those of the tabs")
			assert.Contains(t, ann.post("/proofs", "proof", "count"), "50 of 50")
			ann.login()

			for _, s := range shops {
				require.NoError(t, s.Stop())
			}
			for _, s := range shops {
				require.NoError(t, s.Start())
			}
			bob := *ann // the same browser
			bob.shop = "http://" + shops[1].Addr()
			assert.Contains(t, bob.get(), "signed in as <strong>ann<", "after a restart, and in the other process")
		})
	}
}
