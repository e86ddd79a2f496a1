package readme

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// files is the texts of the repository's files with one of the extensions, by their
// paths from its root.
func files(t *testing.T, extensions ...string) map[string]string {
	t.Helper()
	root, texts := gotool.Root(t), map[string]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "node_modules", "test-results"}, entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || !slices.Contains(extensions, filepath.Ext(name)):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(root, name)
		texts[filepath.ToSlash(short)] = string(text)
		return err
	})
	require.NoError(t, err)
	return texts
}
