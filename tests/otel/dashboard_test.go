package otel

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	promquery "github.com/grafana/grafana-foundation-sdk/go/prometheus"
	promclient "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/prometheus"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionotel "github.com/gostateful/session/otel"
	"github.com/gostateful/session/tests/support/chromium"
	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
)

var screenshot = flag.String("screenshot", "", "let TestDashboard work for three minutes more, and write a picture of Prometheus' graphs to this file")

// takeScreenshot takes a picture of Prometheus' own page, with Chromium.
func takeScreenshot(t *testing.T, addr string) {
	time.Sleep(3 * time.Minute)
	binary, err := chromium.Find()
	require.NoError(t, err)
	page := url.Values{}
	for i, expr := range []string{
		"sum by (gostateful_session_result) (rate(gostateful_session_loads_total[15s]))",
		"sum by (db_operation_name, error_type) (rate(gostateful_session_store_operation_duration_seconds_count[15s]))",
	} {
		page.Set(fmt.Sprintf("g%d.expr", i), expr)
		page.Set(fmt.Sprintf("g%d.tab", i), "0")
		page.Set(fmt.Sprintf("g%d.range_input", i), "3m")
	}
	out, err := exec.CommandContext(t.Context(), binary, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--window-size=1100,1250", "--virtual-time-budget=20000", "--user-data-dir="+t.TempDir(), "--screenshot="+*screenshot,
		"http://"+addr+"/classic/graph?"+page.Encode()).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(gotool.Root(t), name))
	require.NoError(t, err)
	return text
}

// A query is one of the dashboard's.
type query struct{ panel, expr, legend string }

// queries reads the dashboard as Grafana's schema has it: an unknown field is an
// error.
func queries(t *testing.T) (all []query) {
	t.Helper()
	plugins.RegisterDefaultPlugins()
	text := read(t, "otel/dashboard.json")
	// The strict decoding finds faults and loses panels: it takes a list of faults
	// for an error even if it is empty. So decode once more.
	var faults cog.BuildErrors
	err := new(dashboard.Dashboard).UnmarshalJSONStrict(text)
	require.True(t, err == nil || errors.As(err, &faults) && len(faults) == 0, "%v", err)
	var board dashboard.Dashboard
	require.NoError(t, json.Unmarshal(text, &board))
	require.NoError(t, board.Validate())
	ids := map[uint32]bool{}
	for _, p := range board.Panels {
		if p.Panel == nil {
			continue
		}
		require.NotEmpty(t, p.Panel.Targets, "a panel without a query")
		require.NotNil(t, p.Panel.Id)
		require.False(t, ids[*p.Panel.Id], "two panels have the id %d", *p.Panel.Id)
		ids[*p.Panel.Id] = true
		for _, target := range p.Panel.Targets {
			data, ok := target.(*promquery.Dataquery)
			if !ok {
				q, isValue := target.(promquery.Dataquery)
				require.True(t, isValue, "a query is a %T", target)
				data = &q
			}
			require.NotNil(t, data.LegendFormat)
			all = append(all, query{*p.Panel.Title, data.Expr, *data.LegendFormat})
		}
	}
	require.NotEmpty(t, all)
	return all
}

// TestDashboard: Prometheus takes each query of the dashboard and answers with data
// of a site, and the data has the labels that the legend names. All metrics are on
// it.
func TestDashboard(t *testing.T) {
	wanted := queries(t)
	site := startSite(t)
	site.knows(t, string(read(t, "otel/dashboard.json")))
	prom := servers.Prometheus(t, site.addr)
	site.work(t)
	for _, q := range wanted {
		for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
			lacks := lacking(t, prom.Addr(), q)
			if lacks == "" {
				break
			}
			require.Less(t, time.Since(began), 10*time.Minute, lacks)
		}
	}
	if *screenshot != "" {
		takeScreenshot(t, prom.Addr())
	}

	text := string(read(t, "otel/dashboard.json")) + string(read(t, "otel/alerts.yml"))
	for name := range site.names(t) {
		if strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_count") {
			assert.True(t, strings.Contains(text, name), "neither the dashboard nor an alert has %s", name)
		}
	}
}

// lacking asks Prometheus for a query's data, and returns what is wrong with it.
func lacking(t *testing.T, addr string, q query) string {
	expr := strings.NewReplacer("$__rate_interval", "30s", "$job", ".*").Replace(q.expr)
	response, err := http.Get("http://" + addr + "/api/v1/query?" + url.Values{"query": {expr}}.Encode())
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s: %s: %s", q.panel, expr, body)
	var answer struct {
		Data struct {
			Result []struct{ Metric map[string]string }
		}
	}
	require.NoError(t, json.Unmarshal(body, &answer))
	if len(answer.Data.Result) == 0 {
		return fmt.Sprintf("%s: no data for %s", q.panel, expr)
	}
	for _, label := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(q.legend, -1) {
		found := false
		for _, series := range answer.Data.Result {
			found = found || series.Metric[label[1]] != ""
		}
		if !found {
			return fmt.Sprintf("%s: no series has the label %s of the legend: %s", q.panel, label[1], expr)
		}
	}
	return ""
}

// TestAlerts: promtool takes the rules, and each fires when it should. They name only
// metrics and labels that there are.
func TestAlerts(t *testing.T) {
	rules := filepath.Join(gotool.Root(t), "otel/alerts.yml")
	promtool := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	promtool("check", "rules", rules)

	tests, err := os.ReadFile("testdata/alerts_test.yml")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "alerts_test.yml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "rule_files: [%q]\n%s", rules, tests), 0o600))
	promtool("test", "rules", file)
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(read(t, "otel/alerts.yml")), -1) {
		assert.True(t, strings.Contains(string(tests), "alertname: "+alert[1]+"\n        exp_alerts:"), "no test makes %s fire", alert[1])
		assert.True(t, strings.Contains(string(tests), "alertname: "+alert[1]+"}"), "no test of a healthy site has %s", alert[1])
		assert.True(t, strings.Contains(string(read(t, "docs/operating.md")), "\n| `"+alert[1]+"` |"), "docs/operating.md does not say what to do about %s", alert[1])
	}

	site := startSite(t)
	site.knows(t, string(read(t, "otel/alerts.yml")))
	site.knows(t, string(tests))
}

// knows checks that a text names only metrics and labels that there are.
func (s *served) knows(t *testing.T, text string) {
	t.Helper()
	known := s.names(t)
	for _, name := range regexp.MustCompile(`\b(gostateful_session|db|http|error)_\w+`).FindAllString(text, -1) {
		require.True(t, known[name], "there is no metric and no label %s", name)
	}
}

// A served site has a server, and tells Prometheus what happens.
type served struct {
	*site
	rig     *rig
	addr    string
	metrics string // its address
	store   *failing
}

func startSite(t *testing.T) *served {
	t.Helper()
	registry := promclient.NewRegistry()
	exporter, err := prometheus.New(prometheus.WithRegisterer(registry))
	require.NoError(t, err)
	s := &served{rig: newRig(t, sessionotel.Options{}, exporter), store: &failing{Store: memory.New(nil)}}
	s.site = newSite(t, s.rig, s.store, session.Options{IdleTimeout: 20 * time.Second, MaxPerSubject: 1})
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.addr, s.metrics = server.Listener.Addr().String(), server.URL+"/metrics"
	return s
}

// visit does once all that happens to sessions.
func (s *served) visit(ctx context.Context, lasting *browser) {
	b := &browser{}
	do := func(what string, during ...string) {
		within := context.WithValue(ctx, duringKey{}, func() {
			for _, other := range during {
				b.do(ctx, s.site, other, "ann")
			}
		})
		b.do(within, s.site, what, "ann")
	}
	lasting.do(ctx, s.site, "look", "")
	if lasting.cookie == "" {
		lasting.do(ctx, s.site, "add", "")
	}
	do("add")
	do("login")
	do("add", "add") // a conflict
	was := *b
	do("add", "logout") // a discard
	was.do(ctx, s.site, "look", "")
	do("login")
	s.store.fail(errors.New("down"))
	do("add")
	s.store.fail(nil)
}

// work visits the site until the test ends.
func (s *served) work(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	lasting := &browser{}
	work.Go(func() {
		for ctx.Err() == nil {
			s.visit(ctx, lasting)
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() {
		stop()
		work.Wait()
	})
}

// names are those of the metrics and labels that the site has, after one visit and
// one event of each kind.
func (s *served) names(t *testing.T) map[string]bool {
	t.Helper()
	for _, kind := range constants(t, "EventKind") { // a touch, for example, takes time
		s.rig.Observe(t.Context(), session.Event{Kind: session.EventKind(kind)})
	}
	s.visit(t.Context(), &browser{})
	response, err := http.Get(s.metrics)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	names := map[string]bool{}
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "gostateful_") {
			for _, name := range regexp.MustCompile(`(?:^|[{,])(\w+)`).FindAllStringSubmatch(line, -1) {
				names[name[1]] = true
			}
		}
	}
	require.NotEmpty(t, names)
	return names
}
