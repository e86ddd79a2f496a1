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
	part   = flag.String("explore.part", "1/1", "the part of the scenarios to explore, such as 2/3: each process uses one processor")
	replay = flag.String("schedule", "", "the schedule to run, of the one scenario that -run selects")
)

// TestLaws runs the engine through every order of its store calls, within the
// bounds of each scenario.
func TestLaws(t *testing.T) {
	var schedules, states, cut int
	first := 0
	if raced {
		first = -1 // the detector makes it several times slower, and one goroutine runs at a time: go test without -race does it all
	}
	var turn, parts int
	if n, err := fmt.Sscanf(*part, "%d/%d", &turn, &parts); n != 2 || turn < 1 || turn > parts {
		t.Fatalf("-explore.part %s: want such as 2/3: %v", *part, err)
	}
	end := time.Now().Add(*long)
	for more := first; ; more++ {
		scenarios := explore.Scenarios(more)
		for i, sc := range scenarios {
			// Each takes its share of the time that is left, or less.
			share := time.Now().Add(time.Until(end) / time.Duration(len(scenarios)-i))
			goOn := func(found []explore.Violation) bool {
				return (len(found) == 0 || *all) && (more <= 0 || time.Now().Before(share))
			}
			if i%parts != turn-1 || raced && i%12 != 0 && *long == 0 {
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
				if !r.Complete && len(r.Violations) == 0 {
					cut++
				}
				for _, v := range r.Violations {
					t.Errorf("%s\n\nTo see it again:\n\tgo test ./tests/explore -run '%s' -schedule '%s'", v.Text, pattern(t.Name()), v.Schedule)
				}
			})
		}
		if !time.Now().Before(end) || *replay != "" {
			break
		}
	}
	t.Logf("%d schedules, %d states; %d scenarios were cut short by the time", schedules, states, cut)
}

// pattern is what selects one test.
func pattern(name string) string {
	return "^" + strings.ReplaceAll(name, "/", "$/^") + "$"
}
