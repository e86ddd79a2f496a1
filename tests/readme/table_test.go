package readme

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// TestTable holds the root README's table of modules to the modules. What each adds to
// a go.sum is seen by tools/release, which has an application get it.
func TestTable(t *testing.T) {
	root := gotool.Root(t)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		return string(text)
	}
	versions := map[string]string{}
	require.NoError(t, json.Unmarshal([]byte(read("versions.json")), &versions))
	rows := map[string][]string{}
	for line := range strings.Lines(read("README.md")) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); len(cells) == 4 {
			rows[cells[0]] = cells
		}
	}
	for dir, version := range versions {
		cells := rows[fmt.Sprintf("| [`%s`](%[1]s)", dir)]
		if !assert.NotNil(t, cells, "README.md has no row for %s", dir) {
			continue
		}

		name := strings.TrimSpace(gotool.Run(t, filepath.Join(root, dir), filepath.Join(root, "go.work"), "list", "-f", "{{.Name}}", "."))
		if name != path.Base(dir) {
			assert.Contains(t, read(dir+"/README.md"), fmt.Sprintf("%s %q", name, ours+dir), "the import line in the README of %s", dir)
		}

		if version == "v0.0.0" {
			version = "none yet"
		}
		assert.Equal(t, version+" |", cells[3], "the version of %s", dir)
	}
}
