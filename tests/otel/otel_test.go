// Package otel tests package sessionotel with OpenTelemetry's SDK, Prometheus and
// Grafana's schema, which its module does without.
package otel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionotel "github.com/gostateful/session/otel"
)

// A rig is a Telemetry whose records can be read.
type rig struct {
	*sessionotel.Telemetry
	reader *sdkmetric.ManualReader
	spans  *tracetest.InMemoryExporter
	traces *sdktrace.TracerProvider
}

func newRig(t *testing.T, opts sessionotel.Options, readers ...sdkmetric.Reader) *rig {
	t.Helper()
	r := &rig{reader: sdkmetric.NewManualReader(), spans: tracetest.NewInMemoryExporter()}
	r.traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(r.spans))
	to := []sdkmetric.Option{sdkmetric.WithReader(r.reader)}
	for _, reader := range readers {
		to = append(to, sdkmetric.WithReader(reader))
	}
	opts.MeterProvider = sdkmetric.NewMeterProvider(to...)
	opts.TracerProvider = r.traces
	var err error
	r.Telemetry, err = sessionotel.New(&opts)
	require.NoError(t, err)
	return r
}

// metrics returns what was recorded, by name.
func (r *rig) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, r.reader.Collect(t.Context(), &data))
	found := map[string]metricdata.Metrics{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			found[m.Name] = m
		}
	}
	return found
}

// series returns what was recorded, as lines: a name, attributes and a count.
func (r *rig) series(t *testing.T) (lines []string) {
	t.Helper()
	add := func(name string, set attribute.Set, n any) {
		lines = append(lines, fmt.Sprintf("%s{%s} %d", name, set.Encoded(attribute.DefaultEncoder()), n))
	}
	for name, m := range r.metrics(t) {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				add(name, p.Attributes, p.Value)
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				add(name, p.Attributes, p.Count)
			}
		default:
			t.Errorf("%s is a %T", name, data)
		}
	}
	slices.Sort(lines)
	return lines
}

type cart struct{ N int }

// A site is a small application over a store, with sessions that r records.
type site struct {
	http.Handler
	*session.Manager[cart]
}

// newSite makes a site. What a handler does is in the request's form: add, login,
// logout, logout everywhere.
func newSite(t *testing.T, r *rig, store session.Store, opts session.Options) *site {
	t.Helper()
	opts.Observer = r.Observe
	opts.Logger = slog.New(slog.DiscardHandler)
	m, err := session.New[cart](r.Store(store), &opts)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /carts/{do}", func(w http.ResponseWriter, r *http.Request) {
		s, err := m.Get(r.Context())
		if err == nil {
			switch r.PathValue("do") {
			case "add":
				err = s.Update(func(c *cart) error { c.N++; return nil })
			case "login":
				err = s.Login(r.FormValue("user"), nil)
			case "logout":
				err = s.Destroy()
			case "everywhere":
				err = s.DestroyAll(r.Context())
			}
		}
		if during, ok := r.Context().Value(duringKey{}).(func()); ok {
			during()
		}
		if err != nil {
			session.Error(w, err)
		}
	})
	return &site{nethttp.Middleware(m, nil)(mux), m}
}

// duringKey has what a test wants done while a handler runs.
type duringKey struct{}

// A browser has a cookie.
type browser struct{ cookie string }

// do sends a request, and returns its status.
func (b *browser) do(ctx context.Context, s *site, what, user string) int {
	r := httptest.NewRequest(http.MethodPost, "/carts/"+what+"?user="+user, nil).WithContext(ctx)
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookie = c.Name + "=" + c.Value
		if c.MaxAge < 0 {
			b.cookie = ""
		}
	}
	return w.Code
}

// TestNothingOfAVisitor: no attribute holds what tells one visitor from another, so
// that metrics have a bounded number of series, and traces nothing that opens a
// session or names a person.
func TestNothingOfAVisitor(t *testing.T) {
	r := newRig(t, sessionotel.Options{})
	store := &failing{Store: memory.New(nil)}
	s := newSite(t, r, store, session.Options{MaxPerSubject: 2})
	var secrets []string
	visitors := func(from, to int) {
		for n := from; n < to; n++ {
			ctx, parent := r.traces.Tracer("server").Start(t.Context(), "request")
			user := fmt.Sprint("user", n)
			other, third, b := &browser{}, &browser{}, &browser{}
			b.do(ctx, s, "add", "")
			_, token, _ := strings.Cut(b.cookie, "=")
			secrets = append(secrets, token, user)
			b.do(ctx, s, "login", user)
			_, token, _ = strings.Cut(b.cookie, "=")
			infos, err := s.List(ctx, user)
			require.NoError(t, err)
			require.Len(t, infos, 1)
			secrets = append(secrets, token, infos[0].ID.String())
			during := context.WithValue(ctx, duringKey{}, func() { b.do(ctx, s, "add", "") })
			b.do(during, s, "add", "")
			other.do(ctx, s, "login", user)
			third.do(ctx, s, "login", user)
			_, _ = s.Find(ctx, infos[0].ID) // the limit may have ended it
			third.do(ctx, s, "everywhere", "")
			b.do(ctx, s, "add", "") // missed
			for range s.All(ctx) {
				break
			}
			store.fail(fmt.Errorf("cannot reach session %v of %s with %s", infos[0].ID, user, token))
			assert.Equal(t, http.StatusServiceUnavailable, b.do(ctx, s, "add", ""))
			store.fail(nil)
			parent.End()
		}
	}
	names := func() (names []string) {
		for _, line := range r.series(t) {
			name, _, _ := strings.Cut(line, "} ")
			names = append(names, name)
		}
		return names
	}
	visitors(0, 3)
	before := names()
	require.Contains(t, before, "gostateful.session.ends{gostateful.session.cause=limit")
	require.Contains(t, before, "gostateful.session.errors{error.type=unavailable,http.route=/carts/{do}")
	visitors(3, 40)
	assert.Equal(t, before, names(), "more visitors make no more series")

	var said bytes.Buffer
	for _, line := range r.series(t) {
		fmt.Fprintln(&said, line)
	}
	spans := r.spans.GetSpans()
	require.Greater(t, len(spans), 500)
	text, err := json.Marshal(spans)
	require.NoError(t, err)
	said.Write(text)
	for _, span := range spans {
		fmt.Fprintln(&said, span.Attributes, span.Events, span.Status)
	}
	for _, secret := range secrets {
		require.NotContains(t, said.String(), secret)
	}
}

// failing fails if it is told to.
type failing struct {
	session.Store
	mu  sync.Mutex
	err error
}

func (f *failing) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failing) Load(ctx context.Context, id session.ID) (session.Record, error) {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err != nil {
		return session.Record{}, err
	}
	return f.Store.Load(ctx, id)
}
