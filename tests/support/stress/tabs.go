package stress

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
)

// A visit is a request of one of a visitor's tabs.
type visit struct {
	who    int
	target string
}

const countNow = "/count?now"

func (v visit) object() int { return v.who }

func (v visit) reads() bool { return v.target != countNow }

// visitors is a site on which each visitor counts.
var visitors = porcupine.Model{
	Init: func() any { return 1 },
	Step: func(state, input, output any) (bool, any) {
		n := state.(int)
		if input.(visit).target == countNow {
			n++
		}
		return output == nil || output == n, n
	},
}

// RecordSite begins the history of one visitor after the other, each of whom
// counts in several tabs of a browser at once.
func RecordSite(s *Site) *History {
	return newHistory(s.t, visitors, func(h *History, object int) {
		v := s.Visitor()
		for !v.Post("/count").OK() {
			if h.failed(); !h.goesOn() {
				return
			}
		}
		var all sync.WaitGroup
		for tab := range 4 {
			all.Go(func() {
				lost := false // the outcome of the last request
				for n := 0; n < 10 && h.goesOn(); {
					do := visit{object, []string{countNow, "/read"}[rand.N(2)]}
					if lost {
						do.target = "/read"
					}
					recorded := h.record(tab, do, func() any {
						a := v.Post(do.target)
						if lost = !a.OK(); lost {
							return nil
						}
						n, err := strconv.Atoi(strings.TrimSpace(a.Body))
						assert.NoError(s.t, err, "the session of a visitor who counts")
						return n
					})
					if recorded {
						n++
					}
				}
			})
		}
		all.Wait()
	})
}
