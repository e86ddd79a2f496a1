package explore_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gostateful/session/tests/explore"
)

var (
	long   = flag.Duration("explore.for", 0, "explore with ever wider bounds, for so long")
	all    = flag.Bool("explore.all", false, "go on in a scenario where a law is broken, and tell of the others")
	replay = flag.String("schedule", "", "the schedule to run, of the one scenario that -run selects")
)

// TestLaws runs the engine through every order of its store calls, within the
// bounds of each scenario.
func TestLaws(t *testing.T) {
	var schedules, states int
	first := 0
	if raced {
		first = -1 // the detector makes it several times slower: go test without -race does it all
	}
	began := time.Now()
	for more := first; ; more++ {
		goOn := func(found []explore.Violation) bool {
			return (len(found) == 0 || *all) && (more <= 0 || time.Since(began) < *long)
		}
		for i, sc := range explore.Scenarios(more) {
			if raced && i%3 != 0 && *long == 0 {
				continue
			}
			name := sc.Name
			if more > first {
				name = fmt.Sprintf("%s/%d", name, more-first)
			}
			t.Run(name, func(t *testing.T) {
				if *replay != "" {
					if violation := explore.Replay(t, sc, *replay); violation != nil {
						t.Error(violation.Text)
					}
					return
				}
				r := explore.Explore(t, sc, goOn)
				schedules, states = schedules+r.Schedules, states+r.States
				for _, v := range r.Violations {
					t.Errorf("%s\n\nTo see it again:\n\tgo test ./tests/explore -run '%s' -schedule '%s'", v.Text, pattern(t.Name()), v.Schedule)
				}
			})
		}
		if !goOn(nil) || *long == 0 || *replay != "" {
			break
		}
	}
	t.Logf("%d schedules, %d states", schedules, states)
}

// pattern is what selects one test.
func pattern(name string) string {
	return "^" + strings.ReplaceAll(name, "/", "$/^") + "$"
}
