package main_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/semver"

	"github.com/gostateful/session/tests/support/gotool"
)

// TestTree makes a release of all modules from what is in the working tree,
// committed or not: whatever the next release is, it will find what it looks for, and
// applications get what they expect.
func TestTree(t *testing.T) {
	root := gotool.Root(t)
	r := newRehearsal(t, func(dir string) {
		for _, args := range [][]string{{"init", "--quiet", "--initial-branch=main"}, {"--work-tree=" + root, "add", "--all", "."}, {"checkout-index", "--all"}} {
			_, err := output(dir, "git", args...)
			require.NoError(t, err, args)
		}
	})
	args := []string{"prepare"}
	for dir, version := range r.versions() {
		r.notable(dir, "All of it.")
		args = append(args, dir+"="+semver.Major(version)+".999.0")
	}
	r.merge("all: note")
	r.must(args...)
	r.merge("all: release")
	r.must("publish")
	t.Run("consumers", r.consumers)
}

// versions are what versions.json declares.
func (r *rehearsal) versions() map[string]string {
	versions := map[string]string{}
	require.NoError(r.t, json.Unmarshal([]byte(r.read("versions.json")), &versions))
	return versions
}
