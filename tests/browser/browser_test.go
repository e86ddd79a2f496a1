// Package browser_test tests with Playwright what a browser makes of the cookies and
// of the example's pages. The tests are in the *.spec.ts files, and TestBrowser runs
// them.
package browser_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/browser/site"
	"github.com/gostateful/session/tests/support/chromium"
	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
)

// TestBrowser runs the specs, with Chromium or with those browsers that $BROWSERS
// names. What follows -args goes to Playwright, such as the name of a spec.
func TestBrowser(t *testing.T) {
	if _, err := os.Stat("node_modules/.bin/playwright"); err != nil {
		t.Fatal("Playwright is not installed. Run: go run ./tools/check install")
	}
	sites, err := json.Marshal(site.Serve(t))
	require.NoError(t, err)
	redis, postgres, mariaDB := servers.Redis(t), servers.Postgres(t), servers.MariaDB(t)
	env := append(os.Environ(),
		"SITES="+string(sites),
		"SHOP="+gotool.Build(t, "examples", "-tags=all"),
		"REDIS=redis://"+redis.Addr(),
		"POSTGRES="+servers.PostgresURL(postgres, "postgres"),
		"MYSQL=mysql://root@"+mariaDB.Addr()+"/test",
	)
	env = append(env, outages(t)...)
	env = append(env, secure(t)...)
	if browsers := os.Getenv("BROWSERS"); browsers == "" || strings.Contains(browsers, "chromium") {
		path, err := chromium.Find()
		require.NoError(t, err)
		headless, err := chromium.FindHeadless()
		require.NoError(t, err)
		env = append(env, "CHROMIUM="+path, "HEADLESS="+headless)
	}

	cmd := exec.Command("node_modules/.bin/playwright", append([]string{"test"}, flag.Args()...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("playwright: %v. Each test that failed has a folder in tests/browser/test-results, with a trace, a screenshot and the shop's log. "+
			"To look at a trace: cd tests/browser && npx playwright show-trace test-results/FOLDER/trace.zip", err)
	}
}

// secure serves the shops over TLS: https://shop-PORT.test goes to the shop on that
// port. Chromium binds sessions to the device only where it trusts the certificate,
// which it does for the hash of the key.
func secure(t *testing.T) []string {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			name, _, _ := strings.Cut(r.In.Host, ".")
			r.SetURL(&url.URL{Scheme: "http", Host: "localhost:" + strings.TrimPrefix(name, "shop-")})
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		ErrorLog: log.New(io.Discard, "", 0), // shops stop
	}
	server := httptest.NewTLSServer(proxy)
	t.Cleanup(server.Close)
	key := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	return []string{"SECURE_PORT=" + port, "SECURE_KEY=" + base64.StdEncoding.EncodeToString(key[:])}
}

// TestTypes: Playwright only drops the types of the specs, and TypeScript checks them.
func TestTypes(t *testing.T) {
	out, err := exec.Command("node_modules/.bin/tsc", "--project", ".").CombinedOutput()
	require.NoError(t, err, "%s. If there is no tsc, run: go run ./tools/check install", out)
}

// outages starts servers that the specs stop and start, by POST to $OUTAGES/redis/stop.
// They keep their sessions.
func outages(t *testing.T) (env []string) {
	t.Helper()
	redis, postgres := servers.Redis(t, "--appendonly", "yes", "--appendfsync", "always"), servers.Postgres(t)
	var one sync.Mutex // a server is for one goroutine at a time
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		err := map[string]func() error{
			"/redis/stop": redis.Stop, "/redis/start": redis.Start,
			"/postgres/stop": postgres.Stop, "/postgres/start": postgres.Start,
		}[r.URL.Path]()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(control.Close)
	return []string{
		"OUTAGES=" + control.URL,
		"OUTAGES_REDIS=redis://" + redis.Addr(),
		"OUTAGES_POSTGRES=" + servers.PostgresURL(postgres, "postgres"),
	}
}
