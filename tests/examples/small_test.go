package examples

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gostateful/session/tests/support/gotool"
)

// TestSmall: without tags, the example compiles what it needs to show itself, and
// nothing is downloaded for what it does not use. Its tests pass without them too:
// among them is what it says to those who ask for more.
func TestSmall(t *testing.T) {
	root := gotool.Root(t)
	work := filepath.Join(root, "go.work")
	list := gotool.Run(t, root, work, "list", "-tags=", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./examples")
	modules := slices.Compact(slices.Sorted(strings.FieldsSeq(list)))
	const ours = "github.com/gostateful/session/"
	assert.Equal(t, []string{ours + "adapters/nethttp", ours + "core", ours + "examples", ours + "memory", "golang.org/x/crypto"}, modules)

	gotool.Run(t, root, work, "test", "-tags=", "./examples")
}
