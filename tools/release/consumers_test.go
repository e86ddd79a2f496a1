package main_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

var update = flag.Bool("update", false, "write the lists of modules that the consumers have")

// consumers are applications outside of the repository: what each takes of ours, and
// what it imports besides.
var consumers = []struct{ name, takes, brings string }{
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
}

// consumers has each get what it takes from the module proxy, by go get as the
// READMEs say. What go list -m all says then is written down: adding a store to an
// application adds what that store needs, and nothing else.
func (r *rehearsal) consumers(t *testing.T) {
	// A module cache of its own, as the versions are not those that will be published.
	for _, setting := range append(r.proxy.environment(), "GOMODCACHE="+filepath.Join(t.TempDir(), "cache"), "GOFLAGS=-modcacherw") {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	for _, c := range consumers {
		t.Run(c.name, func(t *testing.T) {
			dir := consumer(t, strings.Fields(c.takes), strings.Fields(c.brings)...)
			list := gotool.Run(t, dir, "off", "list", "-m", "-f", "{{if not .Main}}{{.Path}}{{end}}", "all")
			file := filepath.Join("testdata", "consumers", c.name+".modules")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(list), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), list, "what an application's list of modules becomes; if that has to be: go test ./tools/release -run TestTree -update")
		})
	}
	t.Run("counts", r.counts)
	t.Run("readers", r.readers)
}

var (
	getLine = regexp.MustCompile(`(?m)^go get (.*)$`)
	program = regexp.MustCompile("(?ms)^```go\n(package main\n.*?)^```$")
)

// readers do what a README says: they go get its lines, and then have all that its
// program imports. What is missing, go mod tidy would find, but no README speaks of it.
func (r *rehearsal) readers(t *testing.T) {
	var shown []string
	for _, dir := range append(slices.Sorted(maps.Keys(r.versions())), ".") {
		text := r.read(filepath.Join(dir, "README.md"))
		gets, main := getLine.FindAllStringSubmatch(text, -1), program.FindStringSubmatch(text)
		if main == nil {
			continue
		}
		shown = append(shown, dir)
		t.Run(dir, func(t *testing.T) {
			require.NotEmpty(t, gets)
			reader := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(reader, "main.go"), []byte(main[1]), 0o644))
			gotool.Run(t, reader, "off", "mod", "init", "reader.example")
			for _, get := range gets {
				gotool.Run(t, reader, "off", append([]string{"get"}, strings.Fields(get[1])...)...)
			}
			gotool.Run(t, reader, "off", "list", "-deps", `-f={{""}}`) // fails if a package, or its checksum, is missing
		})
	}
	assert.Len(t, shown, len(r.versions()), "READMEs with a program: all but that of core, and the root's")
}

// counts holds the README's table to what each module by itself adds to an
// application's go.sum.
func (r *rehearsal) counts(t *testing.T) {
	rows := map[string]string{}
	for line := range strings.Lines(r.read("README.md")) {
		if cells := strings.Split(line, " | "); len(cells) == 4 {
			rows[cells[0]] = cells[2]
		}
	}
	for dir := range r.versions() {
		t.Run(dir, func(t *testing.T) {
			adds := "nothing"
			if n := others(t, filepath.Join(consumer(t, []string{dir}), "go.sum")); n > 0 {
				adds = fmt.Sprint(n, ": ")
			}
			row := rows[fmt.Sprintf("| [`%s`](%[1]s)", dir)]
			assert.True(t, strings.HasPrefix(row, adds), "the README says that %s adds %q to go.sum, want %s...", dir, row, adds)
		})
	}
}

// others counts the modules in a go.sum that are not ours.
func others(t *testing.T, sum string) int {
	text, err := os.ReadFile(sum)
	require.NoError(t, err)
	modules := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if path, _, _ := strings.Cut(line, " "); !strings.HasPrefix(path, project) {
			modules[path] = true
		}
	}
	return len(modules)
}

// consumer makes a module that imports these folders of ours and these packages.
func consumer(t *testing.T, takes []string, brings ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	program, get := "package main\n\nimport (\n", []string{"get"}
	for _, taken := range takes {
		program += fmt.Sprintf("\t_ %q\n", project+taken)
		get = append(get, project+taken)
	}
	for _, brought := range brings {
		program += fmt.Sprintf("\t_ %q\n", brought)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program+")\n\nfunc main() {}\n"), 0o644))
	gotool.Run(t, dir, "off", "mod", "init", "consumer.example")
	gotool.Run(t, dir, "off", get...)
	gotool.Run(t, dir, "off", "mod", "tidy")
	return dir
}
