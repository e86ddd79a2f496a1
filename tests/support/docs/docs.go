// Package docs holds the pages of docs to the code that their tests run.
package docs

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

// Shows checks that each block of Go on a page, of which there are so many, is code of
// the test's own folder. Only the indentation may differ. It returns that code, without
// indentation, and the page.
func Shows(t *testing.T, name string, blocks int) (code, text string) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(gotool.Root(t), "docs", name))
	require.NoError(t, err)
	text = string(file)
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, source := range sources {
		file, err := os.ReadFile(source)
		require.NoError(t, err)
		code += flush(string(file))
	}
	found := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	assert.Len(t, found, blocks, "blocks of code")
	for _, block := range found {
		assert.True(t, strings.Contains(code, flush(block[1])), "what docs/%s shows is not the code of its tests:\n%s", name, block[1])
	}
	return code, text
}

// flush takes off the indentation.
func flush(code string) string { return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(code, "") }
