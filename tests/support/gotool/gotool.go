// Package gotool builds programs for tests as a user of the modules does.
package gotool

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Root is the repository's folder.
func Root(t testing.TB) string {
	t.Helper()
	start, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := start
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("no go.work above %s", start)
	return ""
}

// Run runs a go command in a folder, with GOWORK as given whatever it is for
// the test itself, and returns what it prints. If it fails, so does the test.
func Run(t testing.TB, dir, gowork string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK="+gowork)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, complaint.String())
	}
	return string(out)
}

// Build builds a package of the workspace, given its folder below the root, with
// more flags. The binary is there until the test ends.
func Build(t testing.TB, folder string, flags ...string) (binary string) {
	t.Helper()
	return BuildIn(t, t.TempDir(), folder, flags...)
}

// BuildIn builds into a directory.
func BuildIn(t testing.TB, dir, folder string, flags ...string) (binary string) {
	t.Helper()
	root := Root(t)
	binary = filepath.Join(dir, filepath.Base(folder))
	// No symbols for debuggers: the linker takes half of the time.
	args := slices.Concat([]string{"build", "-ldflags=-s -w", "-o", binary}, flags, []string{"./" + folder})
	Run(t, root, filepath.Join(root, "go.work"), args...)
	return binary
}

// Siblings are the project's released modules, each as the replacement that
// makes a module elsewhere find it, in the form that go mod edit -replace takes.
func Siblings(t testing.TB) (replacements []string) {
	t.Helper()
	root := Root(t)
	var work struct {
		Replace []struct {
			Old, New struct{ Path string }
		}
	}
	text := Run(t, root, filepath.Join(root, "go.work"), "work", "edit", "-json")
	if err := json.Unmarshal([]byte(text), &work); err != nil {
		t.Fatal(err)
	}
	for _, r := range work.Replace {
		if r.New.Path == "./tests" {
			continue // no user has it
		}
		replacements = append(replacements, r.Old.Path+"="+filepath.Join(root, r.New.Path))
	}
	slices.Sort(replacements)
	return slices.Compact(replacements) // go.work names a module once for each version that is required
}
