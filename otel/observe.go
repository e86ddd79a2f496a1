package sessionotel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	session "github.com/gostateful/session/core"
)

// The attributes that OpenTelemetry has no name for.
const (
	resultKey = attribute.Key("gostateful.session.result") // of a load or a conflict
	causeKey  = attribute.Key("gostateful.session.cause")  // of an end
)

// counts says which event is counted by which metric.
var counts = []struct {
	metric, unit, description string
	kinds                     []session.EventKind
}{
	{
		"gostateful.session.loads", "{load}", "Cookies, tokens and proofs of devices that were looked up, by what they opened.",
		[]session.EventKind{session.EventLoaded, session.EventMissed, session.EventExpired, session.EventReused, session.EventOverdue, session.EventRefused},
	},
	{"gostateful.session.creations", "{session}", "Sessions stored for the first time.", []session.EventKind{session.EventCreated}},
	{"gostateful.session.changes", "{change}", "Changes of data that were stored.", []session.EventKind{session.EventChanged}},
	{"gostateful.session.touches", "{touch}", "Expiries moved, and nothing else.", []session.EventKind{session.EventTouched}},
	{
		"gostateful.session.renewals", "{renewal}", "Secrets replaced, by what asked for it.",
		[]session.EventKind{session.EventRenewed, session.EventBound, session.EventRefreshed},
	},
	{"gostateful.session.logins", "{login}", "Logins that were stored.", []session.EventKind{session.EventLogin}},
	{"gostateful.session.ends", "{session}", "Sessions ended, by cause. Expiry is seen only at a load.", []session.EventKind{session.EventDestroyed}},
	{"gostateful.session.conflicts", "{conflict}", "Writes that lost a race, by what became of the change.", []session.EventKind{session.EventConflict}},
	{"gostateful.session.discards", "{discard}", "Changes that were dropped, by reason.", []session.EventKind{session.EventDiscarded}},
	{"gostateful.session.errors", "{error}", "Failures that the application or its operator must know of.", []session.EventKind{session.EventError}},
}

// A counter counts the events of one kind.
type counter struct {
	metric.Int64Counter
	steady []metric.AddOption // the attributes, if they are the same for each event
}

func (t *Telemetry) makeCounters(meter metric.Meter) error {
	t.counters = map[session.EventKind]*counter{}
	var faults []error
	for _, c := range counts {
		instrument, err := meter.Int64Counter(c.metric, metric.WithUnit(c.unit), metric.WithDescription(c.description))
		if err != nil {
			faults = append(faults, fmt.Errorf("sessionotel: %s: %w", c.metric, err))
		}
		for _, kind := range c.kinds {
			made := &counter{Int64Counter: instrument}
			switch kind {
			case session.EventCreated, session.EventDestroyed, session.EventConflict, session.EventDiscarded, session.EventError:
			default:
				made.steady = t.attributesOf(&session.Event{Kind: kind})
			}
			t.counters[kind] = made
		}
	}
	return errors.Join(faults...)
}

// Observe counts an event. It is for [session.Options.Observer].
func (t *Telemetry) Observe(ctx context.Context, e session.Event) {
	c := t.counters[e.Kind]
	if c == nil || !c.Enabled(ctx) {
		return
	}
	attributes := c.steady
	if attributes == nil {
		attributes = t.attributesOf(&e)
	}
	c.Add(ctx, max(1, int64(e.Count)), attributes...)
}

// attributesOf returns the attributes of an event's measurement. Only events
// that are rare, or that lead to a handler, have the route. On each load it
// would repeat what the metrics of the server tell.
func (t *Telemetry) attributesOf(e *session.Event) []metric.AddOption {
	all := slices.Clone(t.attributes)
	switch e.Kind {
	case session.EventLoaded, session.EventMissed, session.EventExpired, session.EventReused, session.EventOverdue, session.EventRefused,
		session.EventRenewed, session.EventBound, session.EventRefreshed:
		all = append(all, resultKey.String(string(e.Kind)))
	case session.EventDestroyed:
		all = append(all, causeKey.String(string(e.Cause)))
	case session.EventConflict:
		result := "dropped"
		if e.Again {
			result = "again"
		}
		all = append(all, resultKey.String(result))
	case session.EventDiscarded, session.EventError:
		all = append(all, semconv.ErrorTypeKey.String(errorType(e.Err)))
	}
	switch e.Kind {
	case session.EventCreated, session.EventConflict, session.EventDiscarded, session.EventError:
		if route := path(e.Route); route != "" {
			all = append(all, semconv.HTTPRoute(route))
		}
	}
	return []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(all...))}
}

// path returns a route without the method and the host, as http.route demands.
func path(route string) string {
	if at := strings.IndexByte(route, '/'); at >= 0 {
		return route[at:]
	}
	return ""
}

// errorType returns the class of an error, for error.type: the name of the
// error in package session, or "timeout". Any other error is _OTHER,
// OpenTelemetry's fallback.
func errorType(err error) string {
	for _, class := range []struct {
		error
		name string
	}{
		{session.ErrUndecodable, "undecodable"}, // first: Migrate may wrap any other
		{session.ErrUnavailable, "unavailable"},
		{session.ErrConflict, "conflict"},
		{session.ErrSuperseded, "superseded"},
		{session.ErrNotFound, "not_found"},
		{session.ErrExists, "exists"},
		{session.ErrTooLarge, "too_large"},
		{session.ErrHeadersSent, "headers_sent"},
	} {
		switch {
		case !errors.Is(err, class.error):
		case class.error == session.ErrUnavailable && timedOut(err):
			return "timeout"
		default:
			return class.name
		}
	}
	return semconv.ErrorTypeOther.Value.AsString()
}

// timedOut reports whether an error comes from a deadline of the context or of
// a connection.
func timedOut(err error) bool {
	var e interface{ Timeout() bool }
	return errors.As(err, &e) && e.Timeout()
}
