package moving

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// TestPage holds docs/moving.md to the code of this package, which the other tests
// run. Only the indentation may differ.
func TestPage(t *testing.T) {
	root := gotool.Root(t)
	text, err := os.ReadFile(filepath.Join(root, "docs/moving.md"))
	require.NoError(t, err)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, name := range files {
		file, err := os.ReadFile(name)
		require.NoError(t, err)
		code.WriteString(flush(string(file)))
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	assert.Len(t, blocks, 9, "blocks of code")
	for _, block := range blocks {
		assert.Contains(t, code.String(), flush(block[1]), "what docs/moving.md shows is not the code of tests/moving")
	}
}

// flush takes off the indentation.
func flush(code string) string { return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(code, "") }
