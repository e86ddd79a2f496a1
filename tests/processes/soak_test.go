package processes

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/tests/support/stress"
)

var soakFor = flag.Duration("soak.for", 0, "soak each store for so long, not only one of them for a moment")

// TestSoak lets visitors of all kinds use processes over one store, for long. They
// work and rest in turns. At rest, when all but those who count have left:
//
//   - nobody was told anything wrong, and the engine has reported no failure;
//   - what was counted is there once (law 1), and no token of a session that was
//     ended, renewed or left opens anything (laws 2 and 3);
//   - the live sessions are those of the visitors who count, and no others;
//   - goroutines, files and connections are those of the start, and in the long form
//     so are rows and keys, and heap and memory have not grown since the middle third.
//
// None of this depends on how fast the machine is. Delays are only printed.
func TestSoak(t *testing.T) {
	long := *soakFor > 0
	soaks := stores
	if long {
		soaks = append(soaks[:len(soaks):len(soaks)], memories)
	} else {
		soaks = soaks[:1]
	}
	for _, store := range soaks {
		t.Run(store.name, func(t *testing.T) {
			backends := store.start(t)
			for i := range backends {
				if !long { // Redis would end the sessions in time, whatever the engine does
					backends[i] = "lagging " + backends[i]
				}
			}
			s := newSoak(t, backends, long)
			s.spare = spares[store.name]
			for end := time.Now().Add(*soakFor); ; {
				s.round()
				if !time.Now().Before(end) {
					break
				}
			}
			s.end()
		})
	}
}

// memories are those that no processes share.
var memories = struct {
	name  string
	start func(t *testing.T) []string
}{"memory", func(*testing.T) []string { return []string{"memory"} }}

// spares are what a process may have at rest, beside what it had at the start.
var spares = map[string]vitals{
	"redis": {
		Files:  most,             // go-redis makes a few connections beyond those of its pool
		Stored: regulars + names, // the sets of the subjects
	},
	// After a write that took more than 15 ms, pgx goes on to read from an idle
	// connection, on a goroutine that ends with its next use.
	"PostgreSQL": {Goroutines: most},
}

type soak struct {
	*crowd
	long    bool
	checked int // tokens that have been looked at
	spare   vitals
	before  []vitals   // of each process, before the first visitor
	samples [][]vitals // of each process, at each rest
}

func newSoak(t *testing.T, backends []string, long bool) *soak {
	t.Helper()
	// Nobody is so late in the short form that it would matter. In the long one,
	// secrets are renewed by time, and what a logout leaves expires.
	window, think := time.Minute, 10*time.Millisecond
	if long {
		window, think = 5*time.Second, 100*time.Millisecond
	}
	s := &soak{long: long}
	var sites []string
	for _, backend := range backends {
		sites = append(sites, start(t, backend, window.String()))
	}
	for _, site := range sites {
		var v vitals
		fetch(t, site+"/vitals", &v)
		s.before = append(s.before, v)
		t.Logf("process %d before: %v", len(s.before)-1, v)
	}
	s.samples = make([][]vitals, len(sites))
	s.crowd = newCrowd(t, sites, think, window)
	return s
}

// round has the crowd work for a while, and rest.
func (s *soak) round() {
	s.t.Helper()
	end, goal := time.Now(), s.least()+2
	if s.long {
		end = end.Add(20 * time.Second)
	}
	working := make([]vitals, len(s.sites))
	s.work(func() bool {
		enough := time.Now().After(end) && s.least() >= goal
		for i := 0; enough && i < len(s.sites); i++ {
			fetch(s.t, s.sites[i]+"/vitals", &working[i])
		}
		return enough
	})
	require.False(s.t, s.t.Failed(), "what the visitors were told")
	s.t.Log(s.percentiles())
	s.opensNothing(s.over[s.checked:])
	s.checked = len(s.over)
	s.awaitRegulars()
	s.transport.CloseIdleConnections()
	for i := range s.sites {
		v := s.awaitRest(i)
		s.samples[i] = append(s.samples[i], v)
		s.t.Logf("process %d at work: %v", i, working[i])
		s.t.Logf("process %d at rest: %v", i, v)
		require.Zero(s.t, v.Failures, "failures that the engine or the sweeper has reported")
	}
}

// awaitRest waits until a process has given back what it does not need at rest.
func (s *soak) awaitRest(i int) (v vitals) {
	s.t.Helper()
	before := s.before[i]
	for end := time.Now().Add(stress.Patience); ; time.Sleep(passing / 10) {
		if s.long {
			for range 20 { // the store in memory removes what has expired when it is used
				s.with(unknown()).wants("/read", "new")
			}
			s.transport.CloseIdleConnections()
		}
		fetch(s.t, s.sites[i]+"/vitals", &v)
		still := v.Goroutines <= before.Goroutines+s.spare.Goroutines && v.Files <= before.Files+s.spare.Files && v.Connections <= most
		if s.long {
			still = still && v.Stored <= regulars+s.spare.Stored
		}
		if still || s.t.Failed() {
			return v
		}
		if time.Now().After(end) {
			var stacks string
			fetch(s.t, s.sites[i]+"/stacks", &stacks)
			require.Fail(s.t, "a process does not come to rest", "before the first visitor: %v\nat rest: %v\n%s", before, v, stacks)
		}
	}
}

// end checks all once more, when it is over.
func (s *soak) end() {
	s.t.Helper()
	const many = 5000
	rand.Shuffle(len(s.over), func(i, j int) { s.over[i], s.over[j] = s.over[j], s.over[i] })
	s.opensNothing(s.over[:min(many, len(s.over))])
	for i, samples := range s.samples {
		if s.long {
			assert.Empty(s.t, growth(samples), "process %d has grown, in %d rounds", i, len(samples))
		}
	}
	counts := map[string]int64{}
	for kind, n := range s.done {
		counts[kind] = n.Load()
	}
	var counted int64
	for _, n := range s.regulars {
		counted += n.done.Load()
	}
	events := map[session.EventKind]int{}
	for _, samples := range s.samples {
		for kind, n := range samples[len(samples)-1].Events {
			events[kind] += n
		}
	}
	s.t.Logf("%d requests, %d rounds; %v; %d counted; %d tokens that have ended; events: %v", s.requests, len(s.samples[0]), counts, counted, len(s.over), events)
}
