package explore_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var tryBreaks = flag.Bool("explore.breaks", false, "show that each deliberate break of the engine is found: a few seconds for each")

// A brk is a break of one rule of the engine: in a copy of a file of core, old
// becomes new. The scenarios that run selects pass without it, and not with it.
type brk struct {
	rule     string
	file     string
	old, new string
	run      string
}

const core = "../../core"

// TestBreaks shows that the explorer finds what it is made to find. Each break
// is compiled by itself, so without the flag it is only checked that the
// breaks still fit the code.
func TestBreaks(t *testing.T) {
	for _, b := range breaks {
		t.Run(strings.ReplaceAll(b.rule, " ", "_"), func(t *testing.T) {
			source, err := os.ReadFile(filepath.Join(core, b.file))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), b.old); n != 1 {
				t.Fatalf("%s has %d times what the break replaces, want once: adapt breaks to the code:\n%s", b.file, n, b.old)
			}
			if !*tryBreaks {
				return
			}
			out, err := explored(t, b, strings.Replace(string(source), b.old, b.new, 1))
			switch {
			case err == nil:
				t.Errorf("nobody noticed that this rule is broken: %s", b.rule)
			case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
				t.Errorf("the break does not compile:\n%s", out)
			case strings.Contains(out, "no tests to run"):
				t.Errorf("no scenario is called %s", b.run)
			default:
				t.Log(found(out))
			}
		})
	}
}

// TestUnbroken shows that the scenarios which find breaks pass without.
func TestUnbroken(t *testing.T) {
	if !*tryBreaks {
		return // TestLaws runs them all
	}
	var run []string
	for _, b := range breaks {
		run = append(run, b.run)
	}
	if out, err := explored(t, brk{run: strings.Join(run, "|")}, ""); err != nil {
		t.Errorf("they fail without a break too:\n%s", out)
	}
}

// explored runs scenarios over a copy of core in which one file is another.
func explored(t *testing.T, b brk, source string) (output string, err error) {
	args := []string{"test", "-vet=off", "-count=1", "-failfast", "-timeout=1m", "-run=^TestLaws$/" + b.run}
	if source != "" {
		args = append(args, "-overlay="+overlay(t, b.file, source))
	}
	out, err := exec.CommandContext(t.Context(), "go", append(args, ".")...).CombinedOutput()
	return string(out), err
}

func overlay(t *testing.T, file, source string) string {
	dir := t.TempDir()
	original, err := filepath.Abs(filepath.Join(core, file))
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, file)
	if err := os.WriteFile(broken, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{original: broken}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// found is the first line that names a law.
func found(output string) string {
	for line := range strings.Lines(output) {
		if strings.Contains(line, "law ") {
			return strings.TrimSpace(line)
		}
	}
	return output
}
