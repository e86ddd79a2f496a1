package sessionotel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	session "github.com/gostateful/session/core"
	sessionotel "github.com/gostateful/session/otel"
)

// TestCostsNothing: if nobody receives what is recorded, nothing is allocated.
func TestCostsNothing(t *testing.T) {
	for name, opts := range map[string]*sessionotel.Options{
		"no global provider":        nil,
		"providers that do nothing": {MeterProvider: metricnoop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider()},
	} {
		t.Run(name, func(t *testing.T) {
			telemetry, err := sessionotel.New(opts)
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			for _, e := range []session.Event{
				{Kind: session.EventLoaded},
				{Kind: session.EventDestroyed, Cause: session.EndLogout},
				{Kind: session.EventConflict, Route: "GET /x", Again: true},
				{Kind: session.EventError, Route: "GET /x", Err: errors.New("lost")},
			} {
				if got := testing.AllocsPerRun(100, func() { telemetry.Observe(ctx, e) }); got != 0 {
					t.Errorf("event %s: got %v allocations", e.Kind, got)
				}
			}
			store, broken := telemetry.Store(single{}), telemetry.Store(single{errors.New("broken")})
			for name, call := range map[string]func() error{
				"load":   func() error { _, err := store.Load(ctx, session.ID{1}); return err },
				"create": func() error { return store.Create(ctx, session.Record{}) },
				"update": func() error { return store.Update(ctx, session.Record{}) },
				"touch":  func() error { return store.Touch(ctx, session.ID{1}, time.Time{}) },
				"failure": func() error {
					if err := broken.Touch(ctx, session.ID{1}, time.Time{}); err == nil {
						return errors.New("it did not fail")
					}
					return nil
				},
			} {
				got := testing.AllocsPerRun(100, func() {
					if err := call(); err != nil {
						t.Error(err)
					}
				})
				if got != 0 {
					t.Errorf("%s: got %v allocations", name, got)
				}
			}
		})
	}
}

// single is a store that does nothing.
type single struct{ err error }

func (s single) Load(context.Context, session.ID) (session.Record, error) {
	return session.Record{}, s.err
}
func (s single) Create(context.Context, session.Record) error           { return s.err }
func (s single) Update(context.Context, session.Record) error           { return s.err }
func (s single) Touch(context.Context, session.ID, time.Time) error     { return s.err }
func (s single) Delete(context.Context, session.ID) error               { return s.err }
func (s single) List(context.Context, string) ([]session.Record, error) { return nil, s.err }

func (s single) DeleteAll(context.Context, string, ...session.ID) (int, error) { return 0, s.err }
