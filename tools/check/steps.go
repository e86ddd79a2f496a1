package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func (r *repository) gofumpt() error {
	if r.fix {
		return plain("go", "tool", "gofumpt", "-l", "-w", ".")
	}
	tool := exec.Command("go", "tool", "gofumpt", "-l", ".")
	tool.Env = withoutRaces(os.Environ())
	list, err := capture(tool)
	if err != nil {
		return err
	}
	if list != "" {
		return fmt.Errorf("not formatted:\n%s\nTo format them: go run ./tools/check -fix", list)
	}
	return nil
}

// staticcheck is built without the race detector, which would make it slow, and
// then looks at what was compiled for it.
func (r *repository) staticcheck() error {
	tool := filepath.Join(r.scratch, "staticcheck")
	if err := plain("go", "build", "-o", tool, "honnef.co/go/tools/cmd/staticcheck"); err != nil {
		return err
	}
	return run(tool, "work")
}

// tidy cannot be left to go mod tidy alone, which ignores go.work and would
// ask for siblings that are not published yet.
func (r *repository) tidy() error {
	for _, m := range r.modules {
		modfile, err := r.modfile(m)
		if err != nil {
			return err
		}
		if r.fix {
			if err := r.writeTidy(m, modfile); err != nil {
				return err
			}
			continue
		}
		diff, err := capture(m.command(modfile, "mod", "tidy", "-diff"))
		if err != nil {
			return fmt.Errorf("%s is not tidy: %w%s\nTo tidy it: go run ./tools/check -fix", m.dir, err, diff)
		}
		fmt.Println(m.dir, "is tidy")
	}
	return nil
}

// writeTidy tidies the copy and writes it back without what made it a copy.
func (r *repository) writeTidy(m module, modfile string) error {
	if err := show(m.command(modfile, "mod", "tidy")); err != nil {
		return err
	}
	undo := []string{"mod", "edit"}
	for _, sibling := range r.modules {
		undo = append(undo, "-dropreplace="+sibling.path)
	}
	if _, err := output("go", append(undo, modfile)...); err != nil {
		return err
	}
	mod, err := os.ReadFile(modfile)
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.dir+"/go.mod", mod, 0o644); err != nil {
		return err
	}
	old, err := os.ReadFile(m.dir + "/go.sum")
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	others, err := os.ReadFile(filepath.Join(filepath.Dir(modfile), "go.sum"))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	siblings, _ := splitSum(string(old))
	if siblings+string(others) == "" {
		return nil
	}
	// By path alone: go has put the versions of a module into its own order.
	lines := slices.SortedStableFunc(strings.Lines(siblings+string(others)), func(a, b string) int {
		path1, _, _ := strings.Cut(a, " ")
		path2, _, _ := strings.Cut(b, " ")
		return strings.Compare(path1, path2)
	})
	return os.WriteFile(m.dir+"/go.sum", []byte(strings.Join(lines, "")), 0o644)
}

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// fuzz runs each target by itself, as go test -fuzz takes one at a time. It
// looks for them in the files: go test -list would link every test first.
func (r *repository) fuzz() error {
	list, err := output("go", "list", "-f", `{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}`+
		`{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}`, "work")
	if err != nil {
		return err
	}
	ran := 0
	for line := range strings.Lines(list) {
		path, name, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, target := range fuzzTarget.FindAllSubmatch(text, -1) {
			err := plain("go", "test", "-run", "^$", "-fuzz", fmt.Sprintf("^%s$", target[1]), "-fuzztime", r.fuzztime, path)
			if err != nil {
				return fmt.Errorf("%w.\nThe input is kept in testdata/fuzz: commit it with the fix", err)
			}
			ran++
		}
	}
	if ran == 0 {
		return errors.New("no fuzz target was found, and there are some in core")
	}
	return nil
}
