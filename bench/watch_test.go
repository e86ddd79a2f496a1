package bench

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

const watched = 10_000

// BenchmarkWatch is what a process that watches 10,000 sessions does about once a
// second: one look at all of them. server-µs/op is for each look too.
func BenchmarkWatch(b *testing.B) {
	for _, st := range stores {
		b.Run(st.name, func(b *testing.B) {
			o := st.open(b)
			store, none := o.store().(session.Watchable), must[struct{}](b)
			ids := make([]session.ID, watched)
			for i := range ids {
				ids[i] = session.NewID()
				none(struct{}{}, store.Create(b.Context(), session.Record{
					ID: ids[i], Version: 1, Subject: fmt.Sprint("user ", i), ExpiresAt: time.Now().Add(time.Hour), Data: bytes.Clone(payload),
				}))
			}
			before := o.work()
			b.ReportAllocs()
			for b.Loop() {
				for some := range slices.Chunk(ids, 1000) {
					if n := len(must[map[session.ID]uint64](b)(store.Versions(b.Context(), some))); n != len(some) {
						b.Fatalf("%d of %d sessions are there", n, len(some))
					}
				}
			}
			for unit, after := range o.work() {
				b.ReportMetric((after-before[unit])/float64(b.N), unit)
			}
		})
	}
}

// BenchmarkWatcher is what one watcher takes in memory.
func BenchmarkWatcher(b *testing.B) {
	m := must[*session.Manager[cart]](b)(session.New[cart](memory.New(nil), nil))
	for b.Loop() {
		sessions := make([]session.Info[cart], watched)
		for i := range sessions {
			sessions[i] = must[session.Info[cart]](b)(m.Peek(m.NewContext(context.Background(), session.Info[cart]{})))
		}
		before := heap()
		stops := make([]context.CancelFunc, watched)
		for i, info := range sessions {
			_, stops[i] = m.Watch(context.Background(), info)
		}
		b.ReportMetric((heap()-before)/watched, "B/watcher")
		runtime.KeepAlive(sessions)
		for _, stop := range stops {
			stop()
		}
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
