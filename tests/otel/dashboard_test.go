package otel

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	promquery "github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	promclient "github.com/prometheus/client_golang/prometheus"
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
		"--window-size=1000,1600", "--virtual-time-budget=20000", "--user-data-dir="+t.TempDir(), "--screenshot="+*screenshot,
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
	known := cog.NewRuntime() // all of cog/plugins takes long to compile
	known.RegisterPanelcfgVariant(timeseries.VariantConfig())
	known.RegisterDataqueryVariant(promquery.VariantConfig())
	text := read(t, "otel/dashboard.json")
	// The strict decoding finds faults and loses panels: it takes a list of faults
	// for an error even if it is empty. So decode once more.
	var faults cog.BuildErrors
	//lint:ignore SA1019 the file has this form, and the newer package is for another
	err := new(dashboard.Dashboard).UnmarshalJSONStrict(text)
	require.True(t, err == nil || errors.As(err, &faults) && len(faults) == 0, "%v", err)
	//lint:ignore SA1019 as above
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
// of the example under load, and the data has the labels that the legend names. All
// metrics are on it.
func TestDashboard(t *testing.T) {
	wanted := queries(t)
	text := string(read(t, "otel/dashboard.json"))
	known := names(t)
	known.check(t, text)
	shop, metrics := startShop(t)
	prom := servers.Prometheus(t, metrics)
	visit(t, shop)
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

	text += string(read(t, "otel/alerts.yml"))
	for name := range known {
		if strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_seconds") {
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

	known := names(t)
	known.check(t, string(read(t, "otel/alerts.yml")))
	known.check(t, string(tests))
}

// vocabulary is the names of metrics and labels that there are.
type vocabulary map[string]bool

// check checks that a text names only what there is.
func (v vocabulary) check(t *testing.T, text string) {
	t.Helper()
	for _, name := range regexp.MustCompile(`\b(gostateful_session|db|http|error)_\w+`).FindAllString(text, -1) {
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if base := strings.TrimSuffix(name, suffix); v[base] {
				name = base
			}
		}
		require.True(t, v[name], "there is no metric and no label %s", name)
	}
}

// names returns what Prometheus gets to read after one visit, and one event of each
// kind.
func names(t *testing.T) vocabulary {
	t.Helper()
	registry := promclient.NewRegistry()
	exporter, err := prometheus.New(prometheus.WithRegisterer(registry))
	require.NoError(t, err)
	r := newRig(t, sessionotel.Options{}, exporter)
	store := &failing{Store: memory.New(nil)}
	s := newSite(t, r, store, session.Options{})
	for _, kind := range constants(t, "EventKind") { // a touch, for example, takes time
		r.Observe(t.Context(), session.Event{Kind: session.EventKind(kind), Cause: session.EndLogout, Err: session.ErrConflict})
	}
	b := &browser{}
	b.do(t.Context(), s, "add", "ann")
	store.fail(errors.New("down"))
	b.do(t.Context(), s, "add", "ann")

	families, err := registry.Gather()
	require.NoError(t, err)
	v := vocabulary{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "gostateful_") {
			continue
		}
		v[family.GetName()] = true
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				v[label.GetName()] = true
			}
		}
	}
	require.NotEmpty(t, v)
	return v
}
