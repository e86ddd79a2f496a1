package explore

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A choice is one step of a schedule. Its string is one word:
//
//	ad        actor a's call of the store is done; f, l, t, h, j, k: a fault
//	ag        actor a goes on
//	>a        the response to actor a reaches its browser
//	+0        the first of the calls that are late takes effect
//	@w        time passes: across a touch, the window, a renewal, the expiry
//	.         nothing more happens: what is on its way is lost
type choice struct {
	kind     kind
	n        int
	decision decision
	jump     jump
}

type kind int

const (
	act kind = iota
	deliver
	takeEffect
	passTime
	stop
)

func (c choice) String() string {
	switch c.kind {
	case act:
		return string(rune('a'+c.n)) + string(rune(c.decision))
	case deliver:
		return ">" + string(rune('a'+c.n))
	case takeEffect:
		return "+" + strconv.Itoa(c.n)
	case passTime:
		return "@" + string(rune(c.jump))
	}
	return "."
}

func (d decision) faulty() bool { return d != letDo && d != letGo }

func (d decision) rank() int {
	if d.faulty() {
		return 1
	}
	return 0
}

// A jump is how far time moves at once.
type jump byte

const (
	past      jump = 't' // a touch is due
	minutes   jump = 'm' // ten, in a handler
	half      jump = 'h' // almost half of IdleTimeout
	windowEnd jump = 'w' // the grace and the straggler's window end
	renewal   jump = 'r' // a renewal is due
	expired   jump = 'x' // the session has ended
)

func (j jump) length() time.Duration {
	return map[jump]time.Duration{
		past: 90 * time.Second, minutes: 9 * time.Minute, windowEnd: window + time.Minute, half: idleTimeout/2 - time.Minute,
		renewal: renewEvery + time.Minute, expired: idleTimeout + 2*time.Minute,
	}[j]
}

// A schedule is a run of a scenario that can be printed and repeated.
type schedule []choice

func (s schedule) String() string {
	words := make([]string, len(s))
	for i, c := range s {
		words[i] = c.String()
	}
	return strings.Join(words, " ")
}

// pick finds the choice that a word names among those that there are.
func pick(word string, list []choice) (choice, error) {
	for _, c := range list {
		if c.String() == word {
			return c, nil
		}
	}
	return choice{}, fmt.Errorf("the schedule asks for %q, and there is only %v", word, schedule(list))
}
