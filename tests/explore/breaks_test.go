package explore_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A brk is a break of one rule of the engine: in a file of core, old becomes new.
// The scenarios that run selects pass without it, and not with it.
type brk struct {
	law      int
	rule     string
	file     string
	old, new string
	run      string
}

const core = "../../core"

// TestBreaks shows that the explorer finds what it is made to find. All breaks are
// put into one copy of core, so that it is compiled once, and one is chosen for
// each run.
func TestBreaks(t *testing.T) {
	program := broken(t)
	var all []string
	for i, b := range breaks {
		all = append(all, "^TestLaws$/"+b.run)
		t.Run(fmt.Sprintf("law %d: %s", b.law, b.rule), func(t *testing.T) {
			t.Parallel()
			switch out, err := explored(t, program, i+1, "^TestLaws$/"+b.run); {
			case err == nil:
				t.Errorf("nobody noticed that this rule is broken:\n%s", out)
			case !strings.Contains(out, "law "):
				t.Errorf("no law was broken:\n%s", out)
			default:
				t.Log(found(out))
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		if out, err := explored(t, program, 0, strings.Join(all, "|")); err != nil {
			t.Errorf("the scenarios that find breaks fail without:\n%s", out)
		}
	})
}

// broken builds the tests of this package over a copy of core with all breaks.
func broken(t *testing.T) (program string) {
	dir := t.TempDir()
	files := map[string]string{"broken.go": choice}
	for i, b := range breaks {
		source, known := files[b.file]
		if !known {
			text, err := os.ReadFile(filepath.Join(core, b.file))
			if err != nil {
				t.Fatal(err)
			}
			source = string(text)
		}
		if n := strings.Count(source, b.old); n != 1 {
			t.Fatalf("%s: %s has %d times what the break replaces, want once: adapt breaks to the code:\n%s", b.rule, b.file, n, b.old)
		}
		files[b.file] = strings.Replace(source, b.old, strings.ReplaceAll(b.new, "BROKEN", fmt.Sprintf("(broken == %d)", i+1)), 1)
	}
	replace := map[string]string{}
	for name, source := range files {
		original, err := filepath.Abs(filepath.Join(core, name))
		if err != nil {
			t.Fatal(err)
		}
		replace[original] = filepath.Join(dir, name)
		if err := os.WriteFile(replace[original], []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "broken.test")
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-race=false", "-vet=off", "-overlay="+overlay, "-o="+program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

const choice = `package session

import (
	"os"
	"strconv"
)

var broken, _ = strconv.Atoi(os.Getenv("SESSION_BROKEN"))
`

// explored runs scenarios with one break, or with none.
func explored(t *testing.T, program string, broken int, run string) (output string, err error) {
	cmd := exec.CommandContext(t.Context(), program, "-test.failfast", "-test.run="+run)
	cmd.Env = append(os.Environ(), "SESSION_BROKEN="+strconv.Itoa(broken))
	out, err := cmd.CombinedOutput()
	return string(out), err
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
