package otel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
	"github.com/gostateful/session/memory"
	sessionotel "github.com/gostateful/session/otel"
)

// TestStore: a store that is measured keeps the whole contract, with spans and
// without.
func TestStore(t *testing.T) {
	t.Run("measured", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) session.Store {
			return newRig(t, sessionotel.Options{}).Store(memory.New(nil))
		}, storetest.FakeClock)
	})
	t.Run("traced", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) session.Store {
			r := newRig(t, sessionotel.Options{})
			return under{r, r.Store(memory.New(nil)).(both)}
		}, storetest.FakeClock)
	})
}

// under is a store whose calls come with a span.
type under struct {
	*rig
	store both
}

type both interface {
	session.Iterable
	session.Watchable
}

func (u under) span(ctx context.Context) context.Context {
	ctx, span := u.traces.Tracer("test").Start(ctx, "request")
	span.End()
	return ctx
}

func (u under) Load(ctx context.Context, id session.ID) (session.Record, error) {
	return u.store.Load(u.span(ctx), id)
}

func (u under) Create(ctx context.Context, r session.Record) error {
	return u.store.Create(u.span(ctx), r)
}

func (u under) Update(ctx context.Context, r session.Record) error {
	return u.store.Update(u.span(ctx), r)
}

func (u under) Touch(ctx context.Context, id session.ID, at time.Time) error {
	return u.store.Touch(u.span(ctx), id, at)
}

func (u under) Delete(ctx context.Context, id session.ID) error {
	return u.store.Delete(u.span(ctx), id)
}

func (u under) List(ctx context.Context, subject string) ([]session.Record, error) {
	return u.store.List(u.span(ctx), subject)
}

func (u under) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	return u.store.DeleteAll(u.span(ctx), subject, except...)
}

func (u under) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return u.store.All(u.span(ctx))
}

func (u under) Versions(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
	return u.store.Versions(u.span(ctx), ids)
}

// TestAbilities: the store can do what the store inside can, and no more.
func TestAbilities(t *testing.T) {
	whole := memory.New(nil)
	r := newRig(t, sessionotel.Options{})
	for name, test := range map[string]struct {
		store               session.Store
		iterable, watchable bool
	}{
		"plain":     {struct{ session.Store }{whole}, false, false},
		"iterable":  {struct{ session.Iterable }{whole}, true, false},
		"watchable": {struct{ session.Watchable }{whole}, false, true},
		"both":      {whole, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			store := r.Store(test.store)
			_, iterable := store.(session.Iterable)
			_, watchable := store.(session.Watchable)
			assert.Equal(t, []bool{test.iterable, test.watchable}, []bool{iterable, watchable})
		})
	}
}

// answering answers each call with an error.
type answering struct{ err error }

func (a answering) Load(context.Context, session.ID) (session.Record, error) {
	return session.Record{}, a.err
}
func (a answering) Create(context.Context, session.Record) error           { return a.err }
func (a answering) Update(context.Context, session.Record) error           { return a.err }
func (a answering) Touch(context.Context, session.ID, time.Time) error     { return a.err }
func (a answering) Delete(context.Context, session.ID) error               { return a.err }
func (a answering) List(context.Context, string) ([]session.Record, error) { return nil, a.err }

func (a answering) DeleteAll(context.Context, string, ...session.ID) (int, error) { return 0, a.err }

func (a answering) Versions(context.Context, []session.ID) (map[session.ID]uint64, error) {
	return nil, a.err
}

func (a answering) All(context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		if a.err != nil {
			yield(session.Record{}, a.err)
		}
	}
}

// calls are all that a store can be asked for.
var calls = map[string]func(context.Context, both) error{
	"load":       func(ctx context.Context, s both) error { _, err := s.Load(ctx, session.NewID()); return err },
	"create":     func(ctx context.Context, s both) error { return s.Create(ctx, session.Record{}) },
	"update":     func(ctx context.Context, s both) error { return s.Update(ctx, session.Record{}) },
	"touch":      func(ctx context.Context, s both) error { return s.Touch(ctx, session.NewID(), time.Now()) },
	"delete":     func(ctx context.Context, s both) error { return s.Delete(ctx, session.NewID()) },
	"list":       func(ctx context.Context, s both) error { _, err := s.List(ctx, "ann"); return err },
	"delete_all": func(ctx context.Context, s both) error { _, err := s.DeleteAll(ctx, "ann"); return err },
	"versions":   func(ctx context.Context, s both) error { _, err := s.Versions(ctx, nil); return err },
	"all": func(ctx context.Context, s both) (last error) {
		for _, err := range s.All(ctx) {
			last = err
		}
		return last
	},
}

// TestCalls: each call is measured and traced by its name, with what came of it.
// What the contract of a store names is no error.
func TestCalls(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	broken := errors.New("sql: statement interrupted")
	for name, test := range map[string]struct {
		err    error
		ctx    context.Context
		told   string
		status codes.Code
	}{
		"done":                    {nil, t.Context(), "", codes.Unset},
		"not found":               {fmt.Errorf("x: %w", session.ErrNotFound), t.Context(), "gostateful.session.answer=not_found", codes.Unset},
		"conflict":                {session.ErrConflict, t.Context(), "gostateful.session.answer=conflict", codes.Unset},
		"exists":                  {session.ErrExists, t.Context(), "gostateful.session.answer=exists", codes.Unset},
		"deadline":                {context.DeadlineExceeded, t.Context(), "error.type=timeout", codes.Error},
		"timeout of a connection": {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, t.Context(), "error.type=timeout", codes.Error},
		"a driver's own deadline": {broken, expired, "error.type=timeout", codes.Error},
		"the client left":         {context.Canceled, t.Context(), "error.type=canceled", codes.Unset},
		"left, in a driver's way": {broken, cancelled, "error.type=canceled", codes.Unset},
		"broken":                  {broken, t.Context(), "error.type=unavailable", codes.Error},
	} {
		for operation, call := range calls {
			t.Run(name+"/"+operation, func(t *testing.T) {
				r := newRig(t, sessionotel.Options{})
				ctx, parent := r.traces.Tracer("server").Start(test.ctx, "request")
				require.Equal(t, test.err, call(ctx, r.Store(answering{test.err}).(both)))
				parent.End()

				want := []attribute.KeyValue{attribute.String("db.operation.name", operation)}
				if key, value, told := strings.Cut(test.told, "="); told {
					want = append(want, attribute.String(key, value))
				}
				set := attribute.NewSet(want...)
				attributes := set.Encoded(attribute.DefaultEncoder())
				assert.Equal(t, []string{"gostateful.session.store.operation.duration{" + attributes + "} 1"}, r.series(t))
				spans := r.spans.GetSpans()
				require.Len(t, spans, 2)
				assert.Equal(t, operation+" session", spans[0].Name)
				assert.Equal(t, spans[1].SpanContext.SpanID(), spans[0].Parent.SpanID())
				assert.Equal(t, test.status, spans[0].Status.Code)
				assert.Empty(t, spans[0].Status.Description)
				assert.Empty(t, spans[0].Events)
				assert.ElementsMatch(t, want, spans[0].Attributes)
				assert.Equal(t, trace.SpanKindInternal, spans[0].SpanKind)
			})
		}
	}
}

// TestSystem: with a database's name the spans are those of its client.
func TestSystem(t *testing.T) {
	r := newRig(t, sessionotel.Options{System: "postgresql", Attributes: []attribute.KeyValue{attribute.String("manager", "shop")}})
	ctx, parent := r.traces.Tracer("server").Start(t.Context(), "request")
	require.NoError(t, r.Store(answering{}).Delete(ctx, session.NewID()))
	parent.End()
	assert.Equal(t, []string{"gostateful.session.store.operation.duration{db.operation.name=delete,db.system.name=postgresql,manager=shop} 1"}, r.series(t))
	span := r.spans.GetSpans()[0]
	assert.Equal(t, trace.SpanKindClient, span.SpanKind)
	assert.ElementsMatch(t, []attribute.KeyValue{
		attribute.String("db.operation.name", "delete"), attribute.String("db.system.name", "postgresql"), attribute.String("manager", "shop"),
	}, span.Attributes)
}

// TestDurations: what is measured is the time in the store: not that of a loop over
// all sessions, nor that of the request.
func TestDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, sessionotel.Options{})
		store := r.Store(slow{memory.New(nil)}).(both)
		ctx, parent := r.traces.Tracer("server").Start(t.Context(), "request")
		for range 3 {
			require.NoError(t, store.Create(ctx, session.Record{ID: session.NewID(), Version: 1, ExpiresAt: time.Now().Add(time.Hour)}))
		}
		for _, err := range store.All(ctx) {
			require.NoError(t, err)
			time.Sleep(time.Minute) // the body of the loop
		}
		parent.End()
		sums := map[string]float64{}
		for _, p := range r.metrics(t)["gostateful.session.store.operation.duration"].Data.(metricdata.Histogram[float64]).DataPoints {
			name, _ := p.Attributes.Value("db.operation.name")
			sums[name.AsString()] = p.Sum
		}
		assert.InDeltaMapValues(t, map[string]float64{"create": 3, "all": 6}, sums, 1e-9)
		for _, span := range r.spans.GetSpans()[:3] {
			assert.Equal(t, time.Second, span.EndTime.Sub(span.StartTime), span.Name)
		}
	})
}

// slow takes a second for each creation, and two for each record of All.
type slow struct{ *memory.Store }

func (s slow) Create(ctx context.Context, r session.Record) error {
	time.Sleep(time.Second)
	return s.Store.Create(ctx, r)
}

func (s slow) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		for r, err := range s.Store.All(ctx) {
			time.Sleep(2 * time.Second)
			if !yield(r, err) {
				return
			}
		}
	}
}

// TestTree: the spans of a request's calls are under its span, in their order, and
// those of the driver are under those of the store.
func TestTree(t *testing.T) {
	r := newRig(t, sessionotel.Options{})
	s := newSite(t, r, driver{r, memory.New(nil)}, session.Options{})
	b := &browser{}
	for _, test := range []struct {
		do   string
		want []string
	}{
		{"add", []string{"create session"}},
		{"add", []string{"load session", "update session"}},
		{"login", []string{"load session", "update session"}},
		{"look", []string{"load session"}},
		{"everywhere", []string{"load session", "delete_all session", "update session"}},
		{"look", nil}, // without a cookie
	} {
		r.spans.Reset()
		ctx, request := r.traces.Tracer("server").Start(t.Context(), "request")
		ctx, cancel := context.WithCancel(ctx)
		left := context.WithValue(ctx, duringKey{}, func() { cancel() }) // a commit goes on without its client, and under its span
		b.do(left, s, test.do, "ann")
		request.End()
		var got []string
		for _, span := range r.spans.GetSpans() {
			if span.Name == "SQL" || span.Name == "request" {
				continue
			}
			got = append(got, span.Name)
			assert.Equal(t, request.SpanContext().SpanID(), span.Parent.SpanID(), "the parent of %s", span.Name)
			assert.Equal(t, request.SpanContext().TraceID(), span.SpanContext.TraceID())
			assert.Contains(t, []int{0, 1}, len(children(r.spans.GetSpans(), span)))
			if span.Name == "load session" {
				assert.Len(t, children(r.spans.GetSpans(), span), 1, "the driver's span is under that of the store")
			}
		}
		assert.Equal(t, test.want, got, test.do)
	}
}

func children(spans tracetest.SpanStubs, of tracetest.SpanStub) tracetest.SpanStubs {
	return slices.DeleteFunc(slices.Clone(spans), func(s tracetest.SpanStub) bool {
		return s.Parent.SpanID() != of.SpanContext.SpanID()
	})
}

// driver makes spans of its own, as that of a database does.
type driver struct {
	*rig
	session.Store
}

func (d driver) Load(ctx context.Context, id session.ID) (session.Record, error) {
	_, span := d.traces.Tracer("driver").Start(ctx, "SQL")
	defer span.End()
	return d.Store.Load(ctx, id)
}

// TestNoParent: what belongs to no trace makes none, and is measured: looks at
// watched sessions are, all day long.
func TestNoParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, sessionotel.Options{})
		s := newSite(t, r, memory.New(nil), session.Options{})
		b := &browser{}
		ctx, request := r.traces.Tracer("server").Start(t.Context(), "request")
		b.do(ctx, s, "login", "ann")
		infos, err := s.List(ctx, "ann")
		require.NoError(t, err)
		r.spans.Reset()
		watched, stop := s.Watch(ctx, infos[0])
		time.Sleep(time.Minute)
		require.NoError(t, watched.Err())
		stop()
		synctest.Wait()
		request.End()
		assert.Len(t, r.spans.GetSpans(), 1)
		assert.Contains(t, fmt.Sprint(r.series(t)), "{db.operation.name=versions}")
	})
}

// TestConcurrently: requests at once are each counted, and each has its own spans.
func TestConcurrently(t *testing.T) {
	const visitors, visits = 20, 25
	r := newRig(t, sessionotel.Options{})
	s := newSite(t, r, memory.New(nil), session.Options{})
	var all sync.WaitGroup
	for n := range visitors {
		all.Go(func() {
			b := &browser{}
			for range visits {
				ctx, request := r.traces.Tracer("server").Start(t.Context(), "request")
				assert.Equal(t, http.StatusOK, b.do(ctx, s, "add", ""))
				request.End()
			}
			ctx, request := r.traces.Tracer("server").Start(t.Context(), "request")
			b.do(ctx, s, "login", fmt.Sprint("user", n))
			request.End()
		})
	}
	all.Wait()
	assert.ElementsMatch(t, []string{
		fmt.Sprintf("gostateful.session.creations{http.route=/carts/{do}} %d", visitors),
		fmt.Sprintf("gostateful.session.changes{} %d", visitors*(visits-1)),
		fmt.Sprintf("gostateful.session.loads{gostateful.session.result=loaded} %d", visitors*visits),
		fmt.Sprintf("gostateful.session.logins{} %d", visitors),
		fmt.Sprintf("gostateful.session.renewals{gostateful.session.result=renewed} %d", visitors),
		fmt.Sprintf("gostateful.session.store.operation.duration{db.operation.name=create} %d", visitors),
		fmt.Sprintf("gostateful.session.store.operation.duration{db.operation.name=load} %d", visitors*visits),
		fmt.Sprintf("gostateful.session.store.operation.duration{db.operation.name=update} %d", visitors*visits),
	}, r.series(t))
	assert.Len(t, r.spans.GetSpans(), visitors*(1+2*visits)+visitors*(visits+1))
}
