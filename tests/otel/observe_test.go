package otel

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionotel "github.com/gostateful/session/otel"
	"github.com/gostateful/session/tests/support/gotool"
)

// constants are those of a string type of package session.
func constants(t *testing.T, of string) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(gotool.Root(t), "core/event.go"), nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == of {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			values = append(values, value)
		}
		return false
	})
	require.NotEmpty(t, values)
	return values
}

// TestEvents: each kind of event is counted, by the metric and the attributes that
// are documented.
func TestEvents(t *testing.T) {
	const p, route = "gostateful.session.", "http.route=/items/{id}"
	events := map[session.EventKind][]struct {
		event session.Event
		want  string
	}{
		session.EventLoaded:    {{want: p + "loads{" + p + "result=loaded} 1"}},
		session.EventMissed:    {{want: p + "loads{" + p + "result=missed} 1"}},
		session.EventExpired:   {{want: p + "loads{" + p + "result=expired} 1"}},
		session.EventReused:    {{want: p + "loads{" + p + "result=reused} 1"}},
		session.EventOverdue:   {{want: p + "loads{" + p + "result=overdue} 1"}},
		session.EventBound:     {{want: p + "renewals{" + p + "result=bound} 1"}},
		session.EventRefreshed: {{want: p + "renewals{" + p + "result=refreshed} 1"}},
		session.EventRefused:   {{want: p + "loads{" + p + "result=refused} 1"}},
		session.EventCreated:   {{want: p + "creations{" + route + "} 1"}},
		session.EventChanged:   {{want: p + "changes{} 1"}},
		session.EventTouched:   {{want: p + "touches{} 1"}},
		session.EventRenewed:   {{want: p + "renewals{" + p + "result=renewed} 1"}},
		session.EventLogin:     {{want: p + "logins{} 1"}},
		session.EventDestroyed: {
			{session.Event{Cause: session.EndLogout}, p + "ends{" + p + "cause=logout} 1"},
			{session.Event{Cause: session.EndRevoked, Count: 7}, p + "ends{" + p + "cause=revoked} 7"},
			{session.Event{Cause: session.EndLimit}, p + "ends{" + p + "cause=limit} 1"},
			{session.Event{Cause: session.EndReplaced}, p + "ends{" + p + "cause=replaced} 1"},
		},
		session.EventConflict: {
			{session.Event{Again: true}, p + "conflicts{" + p + "result=again," + route + "} 1"},
			{session.Event{}, p + "conflicts{" + p + "result=dropped," + route + "} 1"},
		},
		session.EventDiscarded: {
			{session.Event{Err: fmt.Errorf("%w: it ended", session.ErrNotFound)}, p + "discards{error.type=not_found," + route + "} 1"},
			{session.Event{Err: session.ErrSuperseded}, p + "discards{error.type=superseded," + route + "} 1"},
			{session.Event{Err: errors.New("session: the handler panicked")}, p + "discards{error.type=_OTHER," + route + "} 1"},
		},
		session.EventError: {
			{session.Event{Err: fmt.Errorf("%w: load: %w", session.ErrUnavailable, errors.New("refused"))}, p + "errors{error.type=unavailable," + route + "} 1"},
			{session.Event{Err: fmt.Errorf("%w: load: %w", session.ErrUnavailable, context.DeadlineExceeded)}, p + "errors{error.type=timeout," + route + "} 1"},
			{session.Event{Err: fmt.Errorf("%w: load: %w", session.ErrUnavailable, os.ErrDeadlineExceeded)}, p + "errors{error.type=timeout," + route + "} 1"},
			{session.Event{Err: fmt.Errorf("%w: %w", session.ErrUndecodable, session.ErrNotFound)}, p + "errors{error.type=undecodable," + route + "} 1"},
			{session.Event{Err: session.ErrConflict}, p + "errors{error.type=conflict," + route + "} 1"},
			{session.Event{Err: session.ErrNotFound}, p + "errors{error.type=not_found," + route + "} 1"},
			{session.Event{Err: session.ErrExists}, p + "errors{error.type=exists," + route + "} 1"},
			{session.Event{Err: session.ErrTooLarge}, p + "errors{error.type=too_large," + route + "} 1"},
			{session.Event{Err: session.ErrHeadersSent}, p + "errors{error.type=headers_sent," + route + "} 1"},
			{session.Event{Err: errors.New("lost")}, p + "errors{error.type=_OTHER," + route + "} 1"},
		},
	}
	for _, kind := range constants(t, "EventKind") {
		t.Run(kind, func(t *testing.T) {
			tests := events[session.EventKind(kind)]
			require.NotEmpty(t, tests, "package sessionotel and this test have to know the event")
			for _, test := range tests {
				r := newRig(t, sessionotel.Options{})
				e := test.event
				e.Kind, e.ID, e.Subject, e.Route = session.EventKind(kind), session.NewID(), "ann", "POST example.com/items/{id}"
				r.Observe(t.Context(), e)
				assert.Equal(t, []string{test.want}, r.series(t))
			}
		})
	}
	var causes []string
	for _, test := range events[session.EventDestroyed] {
		causes = append(causes, string(test.event.Cause))
	}
	assert.ElementsMatch(t, constants(t, "EndCause"), causes)
}

// TestUnknownEvent: an event of a newer core does no harm.
func TestUnknownEvent(t *testing.T) {
	r := newRig(t, sessionotel.Options{})
	r.Observe(t.Context(), session.Event{Kind: "new"})
	assert.Empty(t, r.series(t))
}

// TestUnknownRoute: without a route there is no attribute for it.
func TestUnknownRoute(t *testing.T) {
	r := newRig(t, sessionotel.Options{Attributes: []attribute.KeyValue{attribute.String("manager", "shop")}})
	for _, route := range []string{"", "GET ", "/x"} {
		r.Observe(t.Context(), session.Event{Kind: session.EventCreated, Route: route})
	}
	assert.Equal(t, []string{
		"gostateful.session.creations{http.route=/x,manager=shop} 1",
		"gostateful.session.creations{manager=shop} 2",
	}, r.series(t))
}

// TestRealEvents: what a site does arrives, with what it means.
func TestRealEvents(t *testing.T) {
	r := newRig(t, sessionotel.Options{Attributes: []attribute.KeyValue{attribute.String("manager", "shop")}})
	s := newSite(t, r, memory.New(nil), session.Options{})
	b := &browser{}
	do := func(ctx context.Context, what string) {
		assert.Equal(t, http.StatusOK, b.do(ctx, s, what, "ann"), what)
	}
	do(t.Context(), "add")
	do(t.Context(), "login")
	overlapping := context.WithValue(t.Context(), duringKey{}, func() { do(t.Context(), "add") })
	do(overlapping, "add")
	was := *b
	ended := context.WithValue(t.Context(), duringKey{}, func() { do(t.Context(), "logout") })
	do(ended, "add")
	assert.Equal(t, http.StatusOK, (&was).do(t.Context(), s, "look", ""))

	const p, route, shop = "gostateful.session.", "http.route=/carts/{do}", "manager=shop"
	call := func(attributes string, n int) string {
		return fmt.Sprintf("%sstore.operation.duration{%s,%s} %d", p, attributes, shop, n)
	}
	assert.ElementsMatch(t, []string{
		p + "creations{" + route + "," + shop + "} 1",
		p + "changes{" + shop + "} 2",
		p + "logins{" + shop + "} 1",
		p + "renewals{" + p + "result=renewed," + shop + "} 1",
		p + "ends{" + p + "cause=logout," + shop + "} 1",
		p + "conflicts{" + p + "result=again," + route + "," + shop + "} 1",
		p + "conflicts{" + p + "result=dropped," + route + "," + shop + "} 1",
		p + "discards{error.type=not_found," + route + "," + shop + "} 1",
		p + "loads{" + p + "result=loaded," + shop + "} 5",
		p + "loads{" + p + "result=missed," + shop + "} 1",
		call("db.operation.name=load", 8), // six by requests, and a look after each conflict
		call("db.operation.name=create", 1),
		call("db.operation.name=update", 4), // login, two changes, the logout
		call("db.operation.name=update,gostateful.session.answer=conflict", 2),
	}, r.series(t))
}

// TestUnits: each metric is named, and counted in what it says.
func TestUnits(t *testing.T) {
	r := newRig(t, sessionotel.Options{})
	for _, kind := range constants(t, "EventKind") {
		r.Observe(t.Context(), session.Event{Kind: session.EventKind(kind)})
	}
	_, err := r.Store(memory.New(nil)).Load(t.Context(), session.NewID())
	require.ErrorIs(t, err, session.ErrNotFound)
	metrics := r.metrics(t)
	assert.Len(t, metrics, 11)
	for name, m := range metrics {
		assert.Regexp(t, regexp.MustCompile(`^gostateful\.session\.[a-z.]+$`), name)
		assert.True(t, strings.HasSuffix(m.Description, "."), name)
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			assert.True(t, data.IsMonotonic, name)
			assert.Regexp(t, regexp.MustCompile(`^\{[a-z]+\}$`), m.Unit, name)
		case metricdata.Histogram[float64]:
			assert.Equal(t, "s", m.Unit)
			assert.Less(t, data.DataPoints[0].Sum, 5.0, "seconds, not milliseconds")
			assert.NotZero(t, data.DataPoints[0].Sum)
		}
	}
}

// TestDocs: the page for operators explains each event and each type of error, and
// the README lists each metric and attribute.
func TestDocs(t *testing.T) {
	r := newRig(t, sessionotel.Options{System: "redis"})
	for _, kind := range constants(t, "EventKind") {
		r.Observe(t.Context(), session.Event{Kind: session.EventKind(kind), Route: "/"})
	}
	_, err := r.Store(memory.New(nil)).Load(t.Context(), session.NewID())
	require.ErrorIs(t, err, session.ErrNotFound)

	page, readme := string(read(t, "docs/operating.md")), string(read(t, "otel/README.md"))
	for _, kind := range constants(t, "EventKind") {
		assert.True(t, strings.Contains(page, "\n| `"+kind+"` | `"), "docs/operating.md has no row for %s", kind)
	}
	for _, cause := range constants(t, "EndCause") {
		for name, text := range map[string]string{"docs/operating.md": page, "otel/README.md": readme} {
			assert.True(t, strings.Contains(text, "`"+cause+"`"), "%s does not have the cause %s", name, cause)
		}
	}
	for _, line := range r.series(t) {
		name, rest, _ := strings.Cut(line, "{")
		assert.True(t, strings.Contains(readme, "\n| `"+name+"` | `"+r.metrics(t)[name].Unit+"` |"), "otel/README.md has no row for %s", name)
		assert.True(t, strings.Contains(page, "`"+strings.TrimPrefix(name, "gostateful.session.")+"`") || strings.HasSuffix(name, ".duration"), "docs/operating.md does not have %s", name)
		for _, label := range regexp.MustCompile(`([a-z.]+)=`).FindAllStringSubmatch(rest, -1) {
			assert.True(t, strings.Contains(readme, "`"+label[1]+"`"), "otel/README.md does not have %s", label[1])
		}
	}
}
