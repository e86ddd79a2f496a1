package main_test

import (
	"flag"
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

// consumers are programs of people outside of the repository, made from what was
// released. What go list -m all says of each is written down beside it.
func (r *rehearsal) consumers(t *testing.T) {
	redis := "REDIS=redis://" + servers.Redis(t).Addr()
	mysql := "MYSQL=" + servers.MariaDBDSN(servers.MariaDB(t), "test")
	cache := t.TempDir() // fresh, and shared by the four
	for _, c := range []struct {
		name  string
		takes []string // folders of the modules
		paths []string
	}{
		{"memory-nethttp", []string{"memory", "adapters/nethttp"}, []string{"/"}},
		{"redis-chi", []string{"redis", "adapters/chi"}, []string{"/"}},
		{"sql-fiber", []string{"sql", "adapters/fiber"}, []string{"/"}},
		{"all", r.modules, []string{"/", "/chi", "/fiber"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			outside := r.outside(t, cache)
			file := filepath.Join("testdata", "consumers", c.name)
			program, err := os.ReadFile(file + ".go")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), program, 0o644))
			outside(dir, "mod", "init", "consumer.example")
			for _, taken := range c.takes {
				outside(dir, "get", project+strings.Replace(r.declared(taken), taken+"/", taken+"@", 1))
			}
			outside(dir, "mod", "tidy")
			outside(dir, "mod", "verify")
			outside(dir, "build", "-o", "consumer", ".")
			for _, taken := range c.takes {
				at := outside(dir, "list", "-m", project+taken)
				assert.Equal(t, project+strings.Replace(r.declared(taken), "/v", " v", 1), strings.TrimSpace(at))
			}

			list := outside(dir, "list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all")
			if *update {
				require.NoError(t, os.WriteFile(file+".modules", []byte(list), 0o644))
			}
			want, err := os.ReadFile(file + ".modules")
			require.NoError(t, err)
			assert.Equal(t, string(want), list, "what an application's list of modules becomes; if that has to be: go test ./tools/release -update")

			visit(t, filepath.Join(dir, "consumer"), []string{redis, mysql}, c.paths)
		})
	}
}

// outside runs go commands as they run outside of the repository, with what was
// released.
func (r *rehearsal) outside(t *testing.T, cache string) func(dir string, args ...string) string {
	downloaded := filepath.Join(strings.TrimSpace(gotool.Run(t, r.dir, "off", "env", "GOMODCACHE")), "cache", "download")
	user := strings.TrimSpace(gotool.Run(t, r.dir, "off", "env", "GOPROXY"))
	return func(dir string, args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOMODCACHE="+cache, "GOFLAGS=-modcacherw -trimpath",
			"GOPROXY=file://"+r.proxy.dir+",file://"+downloaded+","+user, "GONOSUMDB="+strings.TrimSuffix(project, "/"))
		var complaint strings.Builder
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), complaint.String())
		return string(out)
	}
}

// visit runs a program and comes twice to each of its pages, which count.
func visit(t *testing.T, program string, env, paths []string) {
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())

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
	}, 30*time.Second, 10*time.Millisecond, "the program does not listen")
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
