// Package consumers is applications outside of the repository.
package consumers

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

var update = flag.Bool("update", false, "write the lists of modules that the consumers have")

// TestConsumers makes modules as an application is: each with what it takes of ours
// and no workspace. What go list -m all says of each is written down: adding a store
// to an application adds what that store needs, and nothing else. That such programs
// run is shown by tests/readme.
func TestConsumers(t *testing.T) {
	for _, c := range []struct{ name, takes, brings string }{
		{"memory-nethttp", "core memory adapters/nethttp", ""},
		{"redis-chi", "core redis adapters/chi", "github.com/redis/go-redis/v9 github.com/go-chi/chi/v5"},
		{"sql-fiber", "core sql adapters/fiber", "github.com/go-sql-driver/mysql github.com/gofiber/fiber/v3"},
		{"memory-gin", "core memory adapters/gin", "github.com/gin-gonic/gin"},
		{"memory-echo", "core memory adapters/echo", "github.com/labstack/echo/v5"},
		{"otel", "core memory adapters/nethttp otel", ""},
		{
			"all", "core memory redis sql adapters/nethttp adapters/chi adapters/fiber adapters/gin adapters/echo",
			"github.com/redis/go-redis/v9 github.com/go-sql-driver/mysql github.com/go-chi/chi/v5 github.com/gofiber/fiber/v3 github.com/gin-gonic/gin github.com/labstack/echo/v5",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			run := func(args ...string) string { return gotool.Run(t, dir, "off", args...) }
			run("mod", "init", "consumer.example")
			program := "package main\n\nimport (\n"
			edit := []string{"mod", "edit"}
			for _, sibling := range gotool.Siblings(t) {
				edit = append(edit, "-replace="+sibling)
			}
			for taken := range strings.FieldsSeq(c.takes) {
				const ours = "github.com/gostateful/session/"
				edit = append(edit, "-require="+ours+taken+"@"+version(t, taken))
				program += fmt.Sprintf("\t_ %q\n", ours+taken)
			}
			for brought := range strings.FieldsSeq(c.brings) {
				program += fmt.Sprintf("\t_ %q\n", brought)
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program+")\n\nfunc main() {}\n"), 0o644))
			run(edit...)
			run("mod", "tidy")

			list := run("list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all")
			file := filepath.Join("testdata", c.name+".modules")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(list), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), list, "what an application's list of modules becomes; if that has to be: go test ./tests/consumers -update")
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
