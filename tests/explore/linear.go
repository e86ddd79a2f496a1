package explore

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// linearizable tells whether there is an order of the events of one session
// that the model accepts and in which no event comes before one that had ended
// when it started. It tries them all, and no state twice.
func linearizable(events []*event, r rules) bool {
	type place struct {
		done uint64
		state
	}
	seen := map[place]bool{}
	all := uint64(1)<<len(events) - 1
	var try func(p place) bool
	try = func(p place) bool {
		if p.done == all {
			return true
		}
		if seen[p] {
			return false
		}
		seen[p] = true
		first := math.MaxInt // the end of the event that must not wait longer
		for i, e := range events {
			if p.done&(1<<i) == 0 {
				first = min(first, e.end)
			}
		}
		for i, e := range events {
			if p.done&(1<<i) != 0 || e.start > first {
				continue
			}
			for _, next := range p.state.step(e, r) {
				if try(place{p.done | 1<<i, next}) {
					return true
				}
			}
		}
		return false
	}
	return try(place{})
}

// explain prints a history for whoever has to understand it.
func explain(events []*event) string {
	slices.SortStableFunc(events, func(a, b *event) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	for _, e := range events {
		end := fmt.Sprint(e.end)
		if e.end == math.MaxInt {
			end = "?"
		}
		fmt.Fprintf(&b, "\n\t%3d to %3s, at %v: %s: %s", e.start, end, e.at, e.who, e.kind)
		for _, part := range []struct {
			name, value string
			shown       bool
		}{
			{"holds", e.held, e.held != ""},
			{"adds", strings.Join(e.adds, " "), len(e.adds) > 0},
			{"logs in", e.login, e.login != ""},
			{"renews", "", e.renew},
			{"is due for renewal", "", e.timed},
			{"makes", e.secret, e.secret != ""},
			{"by", e.key, e.key != ""},
			{"signs", e.signs, e.signs != ""},
			{"is given", e.gives, e.gives != ""},
			{"is told", string(e.answer), e.answer != ""},
			{"sees nothing", "", (e.kind == loaded || e.kind == peeked) && !e.opened},
			{"sees", fmt.Sprintf("%v %s", e.tags, e.owner), e.opened || e.kind == written || e.kind == created},
		} {
			if part.shown {
				fmt.Fprintf(&b, "; %s %s", part.name, part.value)
			}
		}
	}
	return b.String()
}
