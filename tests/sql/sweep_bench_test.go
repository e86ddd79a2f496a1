package sql_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
)

var sweepRows = flag.Int("sweep.rows", 1_000_000, "how many expired sessions BenchmarkSweep has removed")

// BenchmarkSweep has expired sessions removed while readers and writers go on,
// and gives the times that these wait, before and meanwhile:
//
//	go test ./tests/sql -run '^$' -bench Sweep -benchtime 1x
func BenchmarkSweep(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			dsn := e.start(b)
			for b.Loop() {
				measureSweep(b, e, dsn)
			}
		})
	}
}

func measureSweep(b *testing.B, e engine, dsn string) {
	db := e.open(b, dsn)
	store := e.migrated(b, db, sessionsql.Options{Table: "swept"})
	live := populate(b, e, db, store, fmt.Sprint("swept", tables.Load()))

	const calm = 5 * time.Second
	ctx, cancel := context.WithTimeout(b.Context(), calm)
	defer cancel()
	before := work(ctx, b, store, live)

	ctx, cancel = context.WithCancel(b.Context())
	defer cancel()
	started, removed := time.Now(), 0
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		store.SweepEvery(ctx, time.Millisecond, func(n int, err error) {
			if err != nil {
				b.Error(err)
			}
			if removed += n; removed >= *sweepRows {
				cancel()
			}
		})
	})
	during := work(ctx, b, store, live)
	sweeping.Wait()

	b.ReportMetric(0, "ns/op")
	b.ReportMetric(time.Since(started).Seconds(), "s")
	for i, when := range []string{"before", "during"} {
		w := [...]waits{before, during}[i]
		b.ReportMetric(w.read(50), "read-p50-"+when+"-ms")
		b.ReportMetric(w.read(99), "read-p99-"+when+"-ms")
		b.ReportMetric(w.write(50), "write-p50-"+when+"-ms")
		b.ReportMetric(w.write(99), "write-p99-"+when+"-ms")
		b.ReportMetric(w.write(100), "write-max-"+when+"-ms")
	}
}

// populate fills the table with sessions that expired in the last four days, as
// they would be after an outage of the sweeper, and with live ones.
func populate(b *testing.B, e engine, db *sql.DB, store *sessionsql.Store, name string) []session.Record {
	text := map[sessionsql.Dialect]string{
		sessionsql.Postgres: `INSERT INTO %[1]s (id, version, expires_at, data)
			SELECT (lpad(to_hex(%[2]d + i * 350), 12, '0') || substr(md5(i::text), 1, 20))::uuid, 1, %[2]d + i * 350, decode(repeat('ab', 500), 'hex')
			FROM generate_series(0, %[3]d - 1) i`,
		sessionsql.MySQL: `INSERT INTO %[1]s (id, version, expires_at, data)
			SELECT UNHEX(CONCAT(LPAD(HEX(%[2]d + i * 350), 12, '0'), SUBSTR(MD5(i), 1, 20))), 1, %[2]d + i * 350, REPEAT('x', 500)
			FROM ` + mySQLSeries + ` n`,
		sessionsql.SQLite: `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %[3]d - 1)
			INSERT INTO %[1]s (id, version, expires_at, data)
			SELECT unhex(printf('%%012x', %[2]d + i * 350) || hex(randomblob(10))), 1, %[2]d + i * 350, randomblob(500) FROM n`,
	}[e.dialect]
	begin := time.Now().Add(-time.Duration(*sweepRows) * 350 * time.Millisecond).UnixMilli()
	_, err := db.ExecContext(b.Context(), fmt.Sprintf(text, name, begin, *sweepRows))
	require.NoError(b, err)

	var live []session.Record
	for range 1000 {
		r := session.Record{ID: session.NewID(), Version: 1, ExpiresAt: time.Now().Add(time.Hour), Data: make([]byte, 500)}
		require.NoError(b, store.Create(b.Context(), r))
		live = append(live, r)
	}
	return live
}

// waits are how long the calls of some readers and writers took.
type waits struct{ reads, writes []time.Duration }

func (w waits) read(percent int) float64  { return percentile(w.reads, percent) }
func (w waits) write(percent int) float64 { return percentile(w.writes, percent) }

func percentile(all []time.Duration, percent int) (milliseconds float64) {
	slices.Sort(all)
	return float64(all[(len(all)-1)*percent/100].Microseconds()) / 1000
}

// work has four readers and four writers make a call every ten milliseconds or so
// until the context ends.
func work(ctx context.Context, b *testing.B, store session.Store, live []session.Record) waits {
	const workers = 4
	var all waits
	var mu sync.Mutex
	var wg sync.WaitGroup
	busy := func(took *[]time.Duration, call func() error) {
		var own []time.Duration
		for ctx.Err() == nil {
			started := time.Now()
			if err := call(); err != nil {
				b.Error(err)
				break
			}
			own = append(own, time.Since(started))
			time.Sleep(rand.N(20 * time.Millisecond))
		}
		mu.Lock()
		defer mu.Unlock()
		*took = append(*took, own...)
	}
	for i := range workers {
		mine := live[i*len(live)/workers : (i+1)*len(live)/workers]
		wg.Go(func() {
			busy(&all.reads, func() error {
				_, err := store.Load(b.Context(), live[rand.N(len(live))].ID)
				return err
			})
		})
		wg.Go(func() {
			busy(&all.writes, func() error {
				r := &mine[rand.N(len(mine))]
				err := store.Update(b.Context(), *r)
				r.Version++
				return err
			})
		})
	}
	wg.Wait()
	return all
}
