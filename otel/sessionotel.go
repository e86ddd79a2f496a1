// Package sessionotel records what sessions do, with OpenTelemetry: metrics of
// sessions and of the store, and a span for each call of the store.
//
// [Telemetry.Observe] counts events of sessions. [Telemetry.Store] measures the
// calls of the store around it. Events would not serve for that: they come when
// a call is over, so a span of the driver could not be a child of the store's.
// They do not tell one call of the store from another, and calls that change no
// session make no events.
//
// No attribute holds an ID, a subject, a token or the text of an error.
package sessionotel

import (
	"errors"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	session "github.com/gostateful/session/core"
)

// scope is the name of the instrumentation scope.
const scope = "github.com/gostateful/session/otel"

// Options for [New]. A nil *Options and the zero value of each field mean the
// default.
type Options struct {
	// MeterProvider and TracerProvider receive what is recorded. Nil means the
	// global one, which may be set later.
	MeterProvider  metric.MeterProvider
	TracerProvider trace.TracerProvider

	// System is the database of the store, by its name in OpenTelemetry's attribute
	// db.system.name: "redis", "postgresql", "mysql", "mariadb" or "sqlite". Spans
	// of the store then have the kind client, and traces show the database as a
	// service of its own. Leave it empty for the store in memory, and if the
	// database's driver makes such spans itself.
	System string

	// Attributes are on all that is recorded. They tell two managers apart. Each
	// set of values is a time series of its own, so they must be few.
	Attributes []attribute.KeyValue
}

// A Telemetry records what the sessions of a manager do. It is safe for concurrent
// use. Several managers may share one.
type Telemetry struct {
	tracer     trace.Tracer
	attributes []attribute.KeyValue
	counters   map[session.EventKind]*counter
	duration   metric.Float64Histogram
	operations [operationCount]recorded
}

// New returns a Telemetry. A nil o means the defaults. The error is that of the
// MeterProvider.
func New(o *Options) (*Telemetry, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.MeterProvider == nil {
		opts.MeterProvider = otel.GetMeterProvider()
	}
	if opts.TracerProvider == nil {
		opts.TracerProvider = otel.GetTracerProvider()
	}
	t := &Telemetry{
		tracer:     opts.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		attributes: slices.Clone(opts.Attributes),
	}
	meter := opts.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	if err := errors.Join(t.makeCounters(meter), t.makeOperations(meter, opts.System)); err != nil {
		return nil, err
	}
	return t, nil
}
