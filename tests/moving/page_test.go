package moving

import (
	"testing"

	"github.com/gostateful/session/tests/support/docs"
)

// TestPage holds docs/moving.md to the code of this package, which the other tests
// run.
func TestPage(t *testing.T) { docs.Shows(t, "moving.md", 9) }
