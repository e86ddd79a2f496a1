package otel

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionotel "github.com/gostateful/session/otel"
)

// TestGlobalProviders: without providers the global ones are used.
func TestGlobalProviders(t *testing.T) {
	for name, opts := range map[string]*sessionotel.Options{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			r := globalRig(t)
			var err error
			r.Telemetry, err = sessionotel.New(opts)
			require.NoError(t, err)
			r.checkRecords(t)
		})
	}
}

// TestGlobalProvidersSetLater: a program may set them after New. That works once in
// a process, so the test has one of its own.
func TestGlobalProvidersSetLater(t *testing.T) {
	const child = "SESSIONOTEL_SET_LATER"
	if os.Getenv(child) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestGlobalProvidersSetLater$")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	telemetry, err := sessionotel.New(nil)
	require.NoError(t, err)
	r := globalRig(t)
	r.Telemetry = telemetry
	r.checkRecords(t)
}

// globalRig makes the global providers those of a rig without a Telemetry.
func globalRig(t *testing.T) *rig {
	r := &rig{reader: sdkmetric.NewManualReader(), spans: tracetest.NewInMemoryExporter()}
	r.traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans))
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader)))
	otel.SetTracerProvider(r.traces)
	t.Cleanup(func() {
		otel.SetMeterProvider(metricnoop.NewMeterProvider())
		otel.SetTracerProvider(tracenoop.NewTracerProvider())
	})
	return r
}

func (r *rig) checkRecords(t *testing.T) {
	t.Helper()
	ctx, request := r.traces.Tracer("server").Start(t.Context(), "request")
	require.NoError(t, r.Store(memory.New(nil)).Delete(ctx, session.NewID()))
	request.End()
	r.Observe(ctx, session.Event{Kind: session.EventLogin})
	assert.Len(t, r.series(t), 2)
	assert.Len(t, r.spans.GetSpans(), 2)
}

// TestFiber: the spans are under that of the request with fiber too, whose contexts
// are its own.
func TestFiber(t *testing.T) {
	r := newRig(t, sessionotel.Options{})
	s := newSite(t, r, memory.New(nil), session.Options{})
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		ctx, span := r.traces.Tracer("server").Start(c.Context(), "request")
		defer span.End()
		c.SetContext(ctx)
		return c.Next()
	}, sessionfiber.Middleware(s.Manager, nil))
	app.Get("/carts/:id", func(c fiber.Ctx) error {
		s, err := s.Get(c)
		if err != nil {
			return err
		}
		return s.Update(func(data *cart) error { data.N++; return nil })
	})
	response, err := app.Test(httptest.NewRequest("GET", "/carts/7", nil))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	spans := r.spans.GetSpans()
	require.Len(t, spans, 2)
	assert.Equal(t, "create session", spans[0].Name)
	assert.Equal(t, spans[1].SpanContext.SpanID(), spans[0].Parent.SpanID())
	assert.Contains(t, r.series(t), "gostateful.session.creations{http.route=/carts/:id} 1")
}
