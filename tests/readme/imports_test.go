package readme

import (
	"go/build"
	"path"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// TestImportNames holds each import of this project's packages, in code and in
// documents, to what goimports writes: the package's name where the path does not end
// in it, and no name elsewhere.
func TestImportNames(t *testing.T) {
	line := regexp.MustCompile(`(?m)^[ \t]*(?:import )?(?:(\S+) )?"` + regexp.QuoteMeta(ours) + `([^"]+)"$`)
	names := map[string]string{} // of the packages, by their folders
	imports := 0
	for name, text := range files(t, ".go", ".md") {
		for _, match := range line.FindAllStringSubmatch(text, -1) {
			imports++
			given, folder := match[1], match[2]
			if names[folder] == "" {
				names[folder] = packageName(t, filepath.Join(gotool.Root(t), folder))
			}
			want := names[folder]
			if path.Base(folder) == want {
				want = ""
			}
			assert.Equal(t, want, given, "%s: the name with which it imports %s", name, folder)
		}
	}
	assert.Greater(t, imports, 500, "imports found")
}

// packageName is the name of the package in a folder.
func packageName(t *testing.T, dir string) string {
	t.Helper()
	p, err := build.ImportDir(dir, 0)
	require.NoError(t, err)
	return p.Name
}
