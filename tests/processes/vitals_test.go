package processes

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/procfs"
	"github.com/stretchr/testify/assert"

	session "github.com/gostateful/session/core"
)

// vitals are what must not grow in a process.
type vitals struct {
	Heap        int   // bytes in use, after a collection
	Resident    int   // bytes of the process, after it has given back what it can; zero where there is no /proc
	Goroutines  int   // with that of the request that asks
	Files       int   // that are open, and sockets; zero where there is no /proc
	Connections int   // to the backend
	Stored      int   // rows or keys, live or not
	Failures    int64 // of the engine, and of the sweeper
	Events      map[session.EventKind]int
}

func (v vitals) String() string {
	return fmt.Sprintf("heap %.2f MiB, resident %.1f MiB, %d goroutines, %d files, %d connections, %d stored",
		float64(v.Heap)/(1<<20), float64(v.Resident)/(1<<20), v.Goroutines, v.Files, v.Connections, v.Stored)
}

func (si *soakedSite) vitals(w http.ResponseWriter, r *http.Request) {
	stored, err := si.stored(r.Context())
	si.fail(err)
	runtime.GC()
	debug.FreeOSMemory() // collects once more, after finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	v := vitals{
		Heap: int(m.HeapAlloc), Goroutines: runtime.NumGoroutine(),
		Connections: si.connections(), Stored: stored, Failures: si.failures.Load(),
	}
	if self, err := procfs.Self(); err == nil {
		v.Files, _ = self.FileDescriptorsLen()
		stat, _ := self.Stat()
		v.Resident = stat.ResidentMemory()
	}
	si.mu.Lock()
	v.Events = maps.Clone(si.events)
	si.mu.Unlock()
	_ = json.NewEncoder(w).Encode(v)
}

// stacks are what the goroutines of the process are at.
func stacks(w http.ResponseWriter, _ *http.Request) {
	var text strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&text, 1)
	_ = json.NewEncoder(w).Encode(text.String())
}

// growing are the vitals that must be flat, and by how much the median of the last
// third may be above that of the one before, in parts of it and in all. The others
// have a bound at each rest.
var growing = []struct {
	name  string
	of    func(vitals) int
	part  float64
	slack int
}{
	{"heap", func(v vitals) int { return v.Heap }, 0.05, 256 << 10},
	{"resident", func(v vitals) int { return v.Resident }, 0.1, 4 << 20},
}

// growth tells what has grown from the middle third of the samples to the last one.
func growth(samples []vitals) (grown []string) {
	third := len(samples) / 3
	if third == 0 {
		return nil
	}
	for _, g := range growing {
		middle, last := median(samples[third:2*third], g.of), median(samples[len(samples)-third:], g.of)
		if float64(last) > float64(middle)*(1+g.part)+float64(g.slack) {
			grown = append(grown, fmt.Sprintf("%s: %d in the middle third, %d in the last", g.name, middle, last))
		}
	}
	return grown
}

func median(samples []vitals, of func(vitals) int) int {
	var all []int
	for _, v := range samples {
		all = append(all, of(v))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// TestGrowth: what creeps is found, and what jumps about or fills up at first is not.
func TestGrowth(t *testing.T) {
	const mib = 1 << 20
	flat := func(int) vitals { return vitals{Heap: 2 * mib, Resident: 40 * mib} }
	for _, test := range []struct {
		name string
		of   func(round int) vitals
		want []string
	}{
		{"flat", flat, nil},
		{"too few rounds to tell", func(i int) vitals { return vitals{Heap: i * mib} }, nil},
		{"fills at first", func(i int) vitals { v := flat(i); v.Heap = min(i, 5) * mib; return v }, nil},
		{"jumps", func(i int) vitals { v := flat(i); v.Heap += i % 3 * mib / 10; v.Resident += i % 2 * mib; return v }, nil},
		{"shrinks", func(i int) vitals { v := flat(i); v.Heap -= i * mib / 20; return v }, nil},
		{"heap creeps", func(i int) vitals { v := flat(i); v.Heap += i * mib / 10; return v }, []string{"heap"}},
		{"memory creeps", func(i int) vitals { v := flat(i); v.Resident += 2 * i * mib; return v }, []string{"resident"}},
		{"both creep", func(i int) vitals {
			v := flat(i)
			v.Heap, v.Resident = v.Heap*(10+i)/10, v.Resident*(10+i)/10
			return v
		}, []string{"heap", "resident"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rounds := 15
			if strings.HasPrefix(test.name, "too few") {
				rounds = 2
			}
			var samples []vitals
			for i := range rounds {
				samples = append(samples, test.of(i))
			}
			var got []string
			for _, line := range growth(samples) {
				name, _, _ := strings.Cut(line, ":")
				got = append(got, name)
			}
			assert.Equal(t, test.want, got)
		})
	}
}
