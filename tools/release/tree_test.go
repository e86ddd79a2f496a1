package main_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/semver"

	"github.com/gostateful/session/tests/support/gotool"
)

// TestTree prepares a release of all modules from what is in the working tree,
// committed or not: whatever the next release is, it will find what it looks for.
func TestTree(t *testing.T) {
	root := gotool.Root(t)
	r := newRehearsal(t, func(dir string) {
		for _, args := range [][]string{{"init", "--quiet", "--initial-branch=main"}, {"--work-tree=" + root, "add", "--all", "."}, {"checkout-index", "--all"}} {
			_, err := output(dir, "git", args...)
			require.NoError(t, err, args)
		}
	})
	versions := map[string]string{}
	require.NoError(t, json.Unmarshal([]byte(r.read("versions.json")), &versions))
	args := []string{"prepare"}
	for dir, version := range versions {
		r.notable(dir, "All of it.")
		args = append(args, dir+"="+semver.Major(version)+".999.0")
	}
	r.merge("all: note")
	r.must(args...)
}
