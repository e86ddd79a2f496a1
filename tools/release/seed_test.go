package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// small puts a repository of this one's form into a folder, whose modules need
// nothing but each other.
func small(t *testing.T) func(dir string) {
	requires := map[string][]string{"core": nil, "redis": {"core"}, "adapters/nethttp": {"core"}, "adapters/chi": {"adapters/nethttp", "core"}, "tests": {"core"}}
	files := map[string]string{".goreleaser.yaml": treeFile(t, ".goreleaser.yaml")}
	work, versions, readme := "go 1.26.0\n\n", []string(nil), ""
	for dir, siblings := range requires {
		mod := "module " + project + dir + "\n\ngo 1.26.0\n"
		imports, uses := "", ""
		for _, sibling := range siblings {
			mod += "\nrequire " + project + sibling + " v0.0.0\n"
			imports += fmt.Sprintf("\nimport %q\n", project+sibling)
			uses += fmt.Sprintf("\nvar _ int = %s.Count()\n", filepath.Base(sibling))
		}
		files[dir+"/go.mod"] = mod
		files[dir+"/code.go"] = "package " + filepath.Base(dir) + "\n" + imports + uses + "\n// Count counts.\nfunc Count() int { return 1 }\n"
		work += "use ./" + dir + "\n"
		if dir != "tests" {
			work += "replace " + project + dir + " v0.0.0 => ./" + dir + "\n"
			files[dir+"/CHANGELOG.md"] = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- The first of " + dir + ".\n"
			versions = append(versions, fmt.Sprintf("\t%q: \"v0.0.0\"", dir))
			readme += fmt.Sprintf("| [`%s`](%[1]s) | what | none yet |\n", dir)
		}
	}
	files["go.work"], files["README.md"] = work, readme
	files["versions.json"] = "{\n" + strings.Join(versions, ",\n") + "\n}\n"
	return func(root string) {
		for name, text := range files {
			file := filepath.Join(root, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		}
	}
}

func treeFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(gotool.Root(t), name))
	require.NoError(t, err)
	return string(text)
}
