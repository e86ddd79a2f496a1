package sql_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
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
			// InnoDB shows a commit to others before it is on the disk, so a crash can
			// take back what they have seen, though not what was acknowledged.
			if b.dialect != sessionsql.MySQL {
				h.Check()
			}
		})
	}
}

// TestKilledWriters kills processes that write to an SQLite file, while another
// goes on with the other driver.
func TestKilledWriters(t *testing.T) {
	for i, e := range sqlites {
		t.Run(e.name, func(t *testing.T) {
			name := file(t)
			writers := []job{{name: "live", driver: "sqlite", dsn: modernc(name)}, {name: "live", driver: "sqlite3", dsn: mattn(name)}}
			db := e.open(t, writers[i].dsn)
			store := sessionsql.New(db, e.dialect, nil)
			require.NoError(t, store.Migrate(t.Context()))

			survivor, survived := writers[1-i].start(t), []string(nil)
			for range 4 {
				w := writers[i].start(t)
				var printed []string
				for n := 100 + rand.N(100); n > 0; n-- {
					printed = append(printed, w.line())
				}
				requireLived(t, store, append(printed, w.kill()...))
				survived = append(survived, survivor.line()) // it goes on
			}
			for !strings.HasSuffix(survived[len(survived)-1], fmt.Sprint(" ", steps-1)) { // until it has ended one
				survived = append(survived, survivor.line())
			}
			requireLived(t, store, append(survived, survivor.kill()...))
			var answer string
			require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&answer))
			assert.Equal(t, "ok", answer)
		})
	}
}

// requireLived wants the sessions of live as they were after the last step that
// it had done, or the next one.
func requireLived(t testing.TB, store session.Store, printed []string) {
	t.Helper()
	last, ended := map[string]int{}, 0
	for _, line := range printed {
		var id string
		var step int
		_, err := fmt.Sscan(line, &id, &step)
		require.NoError(t, err, line)
		last[id] = step
	}
	for text, step := range last {
		id, err := session.ParseID(text)
		require.NoError(t, err)
		r, err := store.Load(t.Context(), id)
		list, listErr := store.List(t.Context(), text)
		require.NoError(t, listErr)
		if step == steps-1 || step == steps-2 && errors.Is(err, session.ErrNotFound) {
			require.ErrorIs(t, err, session.ErrNotFound, "a session that was ended")
			require.Empty(t, list)
			ended++
			continue
		}
		require.NoError(t, err, "after step %d", step)
		require.Contains(t, []string{fmt.Sprint(step), fmt.Sprint(step + 1)}, string(r.Data))
		require.Equal(t, fmt.Sprint(r.Version-1), string(r.Data))
		require.Equal(t, []session.Record{r}, list)
	}
	t.Logf("%d sessions, %d of them ended", len(last), ended)
	require.NotZero(t, ended)
}
