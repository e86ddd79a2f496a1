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
	replay = flag.String("schedule", "", "the schedule to run, of the one scenario that -run selects")
)

// TestLaws runs the engine through every order of its store calls, within the
// bounds of each scenario.
func TestLaws(t *testing.T) {
	var schedules, states int
	began := time.Now()
	for more := 0; ; more++ {
		goOn := func() bool { return more == 0 || time.Since(began) < *long }
		for _, sc := range explore.Scenarios(more) {
			name := sc.Name
			if more > 0 {
				name = fmt.Sprintf("%s/%d", name, more)
			}
			t.Run(name, func(t *testing.T) {
				if *replay != "" {
					if violation := explore.Replay(t, sc, *replay); violation != "" {
						t.Error(violation)
					}
					return
				}
				r := explore.Explore(t, sc, goOn)
				schedules, states = schedules+r.Schedules, states+r.States
				if r.Violation != "" {
					t.Errorf("%s\n\nTo see it again:\n\tgo test ./tests/explore -run '%s' -schedule '%s'", r.Violation, pattern(t.Name()), r.Schedule)
				}
			})
		}
		if !goOn() || *long == 0 || *replay != "" {
			break
		}
	}
	t.Logf("%d schedules, %d states", schedules, states)
}

// pattern is what selects one test.
func pattern(name string) string {
	return "^" + strings.ReplaceAll(name, "/", "$/^") + "$"
}
