package browser

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/browser/site"
)

// TestBrowser runs the specs, with Chromium or with those that $BROWSERS names. What
// follows -args goes to Playwright, such as the name of a spec.
func TestBrowser(t *testing.T) {
	if _, err := os.Stat("node_modules/.bin/playwright"); err != nil {
		t.Fatal("Playwright is not installed. Run: go run ./tools/check install")
	}
	sites, err := json.Marshal(site.Serve(t))
	require.NoError(t, err)
	env := []string{"SITES=" + string(sites)}
	if browsers := os.Getenv("BROWSERS"); browsers == "" || strings.Contains(browsers, "chromium") {
		chromium, err := Chromium()
		require.NoError(t, err)
		env = append(env, "CHROMIUM="+chromium)
	}

	cmd := exec.CommandContext(t.Context(), "node_modules/.bin/playwright", append([]string{"test"}, flag.Args()...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// Its browsers, and the servers that it starts, are of its group and end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil {
		t.Errorf("playwright: %v. The traces and screenshots of what failed are in tests/browser/test-results, "+
			"one folder for each test. To look at one: cd tests/browser; npx playwright show-trace test-results/FOLDER/trace.zip", err)
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what is left
}
