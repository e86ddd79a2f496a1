package readme

import (
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// TestImportNames holds each import of this project's packages, in code and in
// documents, to what goimports writes: the package's name where the path does not end
// in it, and no name elsewhere.
func TestImportNames(t *testing.T) {
	root := gotool.Root(t)
	line := regexp.MustCompile(`(?m)^[ \t]*(?:import )?(?:(\S+) )?"` + regexp.QuoteMeta(ours) + `([^"]+)"$`)
	names := map[string]string{} // of the packages, by their folders
	imports := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".md"):
			return nil
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, match := range line.FindAllStringSubmatch(string(text), -1) {
			imports++
			given, folder := match[1], match[2]
			if names[folder] == "" {
				names[folder] = packageName(t, filepath.Join(root, folder))
			}
			want := names[folder]
			if path.Base(folder) == want {
				want = ""
			}
			assert.Equal(t, want, given, "%s: the name with which it imports %s", name, folder)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, imports, 500, "imports found")
}

// packageName is the name of the package in a folder.
func packageName(t *testing.T, dir string) string {
	t.Helper()
	p, err := build.ImportDir(dir, 0)
	require.NoError(t, err)
	return p.Name
}
