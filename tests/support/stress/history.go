package stress

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
)

// A History is what several clients did and saw, and when. It is recorded from
// [RecordStore] or [RecordSite] on until [History.Check]. Its methods are for
// the goroutine of the test.
//
// A client that does not know what came of a change reads until it gets an
// answer, and goes on then: so a history spans the faults meanwhile.
type History struct {
	t       testing.TB
	model   porcupine.Model
	start   time.Time
	leaving chan struct{} // closed when the clients have to end
	gone    sync.Once
	all     sync.WaitGroup

	recorded, unknown atomic.Int64

	mu         sync.Mutex
	operations []porcupine.Operation
}

// An input is what an operation is asked to do.
type input interface {
	object() int // to which; what is done to others is of no account
	reads() bool // only: where nobody knows what came of it, nothing did
}

const lanes = 3 // objects that are used at once: a fault should find one in the midst of its life

// newHistory has clients do something to one object after the other, in lanes.
func newHistory(t testing.TB, model porcupine.Model, do func(h *History, object int)) *History {
	model.Partition = partition
	h := &History{t: t, model: model, start: time.Now(), leaving: make(chan struct{})}
	t.Cleanup(h.stop)
	for lane := range lanes {
		h.all.Go(func() {
			for i := lane; h.goesOn(); i += lanes {
				do(h, i)
			}
		})
	}
	return h
}

// goesOn tells whether the clients go on.
func (h *History) goesOn() bool {
	select {
	case <-h.leaving:
		return false
	default:
		return !h.t.Failed()
	}
}

// record does something, which returns nil where nobody knows what came of it:
// then it may have been done at any time after, or never, and has no end. It
// returns false if there is nothing to record.
func (h *History) record(client int, in input, do func() (output any)) bool {
	call := time.Since(h.start)
	output := do()
	end := time.Since(h.start).Nanoseconds()
	if output == nil {
		end = math.MaxInt64
		h.failed()
		if in.reads() {
			return false // it would only make more of the orders that have to be tried
		}
	}
	h.mu.Lock()
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: in, Call: call.Nanoseconds(), Output: output, Return: end,
	})
	h.mu.Unlock()
	h.recorded.Add(1)
	return true
}

// failed takes note of an unknown outcome.
func (h *History) failed() {
	h.unknown.Add(1)
	select {
	case <-h.leaving:
	case <-time.After(time.Millisecond): // or it would ask all the time while nobody listens
	}
}

// Await waits until so many operations more are recorded.
func (h *History) Await(more int64) {
	h.t.Helper()
	awaitMore(h.t, &h.recorded, more)
}

// AwaitUnknown waits until the outcome of so many operations more is unknown.
func (h *History) AwaitUnknown(more int64) {
	h.t.Helper()
	awaitMore(h.t, &h.unknown, more)
}

func (h *History) stop() {
	h.gone.Do(func() { close(h.leaving) })
	h.all.Wait()
}

// Check ends the history and checks that it is linearizable: that there is an
// order of the operations in which each took effect between its beginning and
// its end.
func (h *History) Check() {
	h.t.Helper()
	h.stop()
	h.t.Logf("%d operations recorded, and %d had an unknown outcome", h.recorded.Load(), h.unknown.Load())
	for _, part := range partition(h.operations) {
		result := porcupine.CheckOperationsTimeout(h.model, part, Patience)
		if !assert.Equal(h.t, porcupine.Ok, result, "is there an order that explains what the clients saw?") {
			slices.SortFunc(part, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
			for _, o := range part {
				h.t.Logf("%10d to %19d ns: client %d: %v: %v", o.Call, o.Return, o.ClientId, o.Input, o.Output)
			}
		}
	}
}

// partition splits a history into those of each object, which are independent.
func partition(all []porcupine.Operation) [][]porcupine.Operation {
	parts := map[int][]porcupine.Operation{}
	for _, o := range all {
		object := o.Input.(input).object()
		parts[object] = append(parts[object], o)
	}
	return slices.Collect(maps.Values(parts))
}
