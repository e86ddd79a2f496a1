package sessionotel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	session "github.com/gostateful/session/core"
)

// An operation is a call of the store.
type operation uint8

const (
	load operation = iota
	create
	update
	touch
	remove
	list
	removeAll
	all
	versions
	operationCount
)

// names are the names of the operations in db.operation.name.
var names = [operationCount]string{"load", "create", "update", "touch", "delete", "list", "delete_all", "all", "versions"}

// An outcome is how a call ended.
type outcome uint8

const (
	done outcome = iota
	notFound
	conflict
	exists
	timeout
	canceled // by the caller: its client has left
	unavailable
	outcomeCount
)

const answerKey = attribute.Key("gostateful.session.answer")

// told is the attribute of each outcome. An error that the contract of a store
// names is an answer, and no failure.
var told = [outcomeCount]attribute.KeyValue{
	notFound:    answerKey.String("not_found"),
	conflict:    answerKey.String("conflict"),
	exists:      answerKey.String("exists"),
	timeout:     semconv.ErrorTypeKey.String("timeout"),
	canceled:    semconv.ErrorTypeKey.String("canceled"),
	unavailable: semconv.ErrorTypeKey.String("unavailable"),
}

// outcomeOf returns how a call ended. It also asks the context, because drivers
// have their own errors for a context that is done.
func outcomeOf(ctx context.Context, err error) outcome {
	switch {
	case err == nil:
		return done
	case errors.Is(err, session.ErrNotFound):
		return notFound
	case errors.Is(err, session.ErrConflict):
		return conflict
	case errors.Is(err, session.ErrExists):
		return exists
	case errors.Is(err, context.Canceled), ctx.Err() == context.Canceled:
		return canceled
	case timedOut(err), ctx.Err() != nil:
		return timeout
	}
	return unavailable
}

// recorded has what is recorded for an operation, made in advance.
type recorded struct {
	spanName  string
	spanStart []trace.SpanStartOption
	duration  [outcomeCount][]metric.RecordOption
}

func (t *Telemetry) makeOperations(meter metric.Meter, system string) (err error) {
	const name = "gostateful.session.store.operation.duration"
	t.duration, err = meter.Float64Histogram(name,
		metric.WithUnit("s"),
		metric.WithDescription("Duration of calls of the session store."),
		// The boundaries of db.client.operation.duration, and finer ones for a store in
		// memory.
		metric.WithExplicitBucketBoundaries(0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10),
	)
	if err != nil {
		return fmt.Errorf("sessionotel: %s: %w", name, err)
	}
	common, kind := slices.Clone(t.attributes), trace.SpanKindInternal
	if system != "" {
		common, kind = append(common, semconv.DBSystemNameKey.String(system)), trace.SpanKindClient
	}
	for op := range operationCount {
		attributes := append(slices.Clone(common), semconv.DBOperationName(names[op]))
		r := &t.operations[op]
		r.spanName = names[op] + " session"
		r.spanStart = []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...)}
		for end := range outcomeCount {
			of := slices.Clone(attributes)
			if end != done {
				of = append(of, told[end])
			}
			r.duration[end] = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(of...))}
		}
	}
	return nil
}

// A call is a call of the store that has not ended. The zero call records
// nothing.
type call struct {
	t         *Telemetry
	operation operation
	ctx       context.Context
	span      trace.Span // nil if the context had none
	started   time.Time
}

func (c *call) idle() bool { return c.t == nil }

// begin begins a call, and returns the context for it.
func (t *Telemetry) begin(ctx context.Context, op operation) (context.Context, call) {
	traced := trace.SpanContextFromContext(ctx).IsValid()
	if !traced && !t.duration.Enabled(ctx) {
		return ctx, call{}
	}
	c := call{t: t, operation: op, started: time.Now()}
	if traced {
		ctx, c.span = t.tracer.Start(ctx, t.operations[op].spanName, t.operations[op].spanStart...)
	}
	c.ctx = ctx
	return ctx, c
}

// end ends a call. A span does not get the text of the error, which may name a
// session. The log has it.
func (c *call) end(err error) {
	if c.idle() {
		return
	}
	took, how := time.Since(c.started), outcomeOf(c.ctx, err)
	c.t.duration.Record(c.ctx, took.Seconds(), c.t.operations[c.operation].duration[how]...)
	if c.span == nil {
		return
	}
	if how != done {
		c.span.SetAttributes(told[how])
	}
	if how == timeout || how == unavailable {
		c.span.SetStatus(codes.Error, "")
	}
	c.span.End()
}
