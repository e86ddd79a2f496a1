package stress

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/stretchr/testify/assert"
)

// A Counter is a visitor of a crowd who counts. Nobody ends their session.
type Counter struct {
	*Visitor
	crowd                *Crowd
	tried, done, refused atomic.Int64 // increments
}

// AwaitServed waits until one more increment was a success.
func (n *Counter) AwaitServed() {
	n.crowd.t.Helper()
	awaitMore(n.crowd.t, &n.done, 1)
}

// Refused is how many increments were a failure.
func (n *Counter) Refused() int64 { return n.refused.Load() }

func (n *Counter) counts() {
	if rand.N(3) > 0 {
		n.count()
	} else {
		n.check()
	}
}

func (n *Counter) count() Answer {
	n.tried.Add(1)
	a := n.crowd.note(n.Post("/count"))
	if a.OK() {
		n.done.Add(1)
	} else {
		n.refused.Add(1)
	}
	return a
}

// check reads what has been counted: never less than what the visitor was told
// of before, nor more than what the visitor tried.
func (n *Counter) check() {
	least := n.done.Load()
	a := n.crowd.note(n.Post("/read"))
	if !a.OK() {
		return
	}
	t := n.crowd.t
	got, err := strconv.ParseInt(strings.TrimSpace(a.Body), 10, 64)
	assert.NoError(t, err, "%q, for a visitor whose session counts %d", a.Body, least)
	assert.GreaterOrEqual(t, got, least, "a change that was a success is lost")
	assert.LessOrEqual(t, got, n.tried.Load(), "more changes than the visitor made")
}
