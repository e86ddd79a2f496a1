// Package consumers is applications outside of the repository.
package consumers

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
)

var update = flag.Bool("update", false, "write the lists of modules that the consumers have")

// TestConsumers builds programs as an application has them: each in a module of its
// own, with the modules that it takes and no workspace. What go list -m all says of
// each is written down beside it: adding a store to an application adds what that
// store needs, and nothing else.
func TestConsumers(t *testing.T) {
	redis := "REDIS=redis://" + servers.Redis(t).Addr()
	mysql := "MYSQL=" + servers.MariaDBDSN(servers.MariaDB(t), "test")
	for _, c := range []struct{ name, takes, paths string }{
		{"memory-nethttp", "memory adapters/nethttp", "/"},
		{"redis-chi", "redis adapters/chi", "/"},
		{"sql-fiber", "sql adapters/fiber", "/"},
		{"memory-gin", "memory adapters/gin", "/"},
		{"memory-echo", "memory adapters/echo", "/"},
		{"otel", "memory adapters/nethttp otel", "/"},
		{"all", "memory redis sql adapters/nethttp adapters/chi adapters/fiber adapters/gin adapters/echo", "/ /chi /fiber /gin /echo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			program, err := os.ReadFile(filepath.Join("testdata", c.name+".go"))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), program, 0o644))
			run := func(args ...string) string { return gotool.Run(t, dir, "off", args...) }
			run("mod", "init", "consumer.example")
			edit := []string{"mod", "edit"}
			for _, sibling := range gotool.Siblings(t) {
				edit = append(edit, "-replace="+sibling)
			}
			for taken := range strings.FieldsSeq(c.takes) {
				edit = append(edit, "-require=github.com/gostateful/session/"+taken+"@"+version(t, taken))
			}
			run(edit...)
			run("mod", "tidy")
			run("build", "-o", "consumer", ".")

			list := run("list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all")
			file := filepath.Join("testdata", c.name+".modules")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(list), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), list, "what an application's list of modules becomes; if that has to be: go test ./tests/consumers -update")
			visit(t, filepath.Join(dir, "consumer"), []string{redis, mysql}, strings.Fields(c.paths))
		})
	}
}

// version is what versions.json declares.
func version(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(gotool.Root(t), "versions.json"))
	require.NoError(t, err)
	versions := map[string]string{}
	require.NoError(t, json.Unmarshal(text, &versions))
	require.Contains(t, versions, dir)
	return versions[dir]
}

// visit runs a program and comes twice to each of its pages, which count.
func visit(t *testing.T, program string, env, paths []string) {
	port, err := servers.FreePort()
	require.NoError(t, err)
	addr := fmt.Sprint("localhost:", port)

	cmd := exec.Command(program)
	cmd.Env = append(append(os.Environ(), "ADDR="+addr), env...)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil || len(ended) > 0
	}, 2*time.Minute, 10*time.Millisecond, "the program does not listen")
	if len(ended) > 0 {
		require.Fail(t, "the program has ended", log.String())
	}
	for _, path := range paths {
		cookie := ""
		for _, want := range []string{"1", "2"} {
			request, err := http.NewRequest(http.MethodGet, "http://"+addr+path, nil)
			require.NoError(t, err)
			if cookie != "" {
				request.Header.Set("Cookie", cookie)
			}
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			require.NoError(t, err)
			assert.Equal(t, want, string(body), "%s with the cookie %q", path, cookie)
			if set := response.Cookies(); len(set) > 0 {
				cookie = set[0].Name + "=" + set[0].Value
			}
		}
	}
}
