package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// project is the path under which all modules of the repository are.
const project = "github.com/gostateful/session/"

// A module is one of the workspace's.
type module struct {
	path string // import path
	dir  string // folder below the root, with slashes
}

// unreleased modules may require whatever they test or show.
var unreleased = []string{"bench", "examples", "tests", "tools"}

// released modules require these outside the project, and nothing else.
var released = map[string][]string{
	"adapters/chi":     {"github.com/go-chi/chi/v5"},
	"adapters/echo":    {"github.com/labstack/echo/v5"},
	"adapters/fiber":   {"github.com/gofiber/fiber/v3"},
	"adapters/gin":     {"github.com/gin-gonic/gin"},
	"adapters/nethttp": nil,
	"core":             nil,
	"memory":           nil,
	"otel":             {"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/metric", "go.opentelemetry.io/otel/trace"},
	"redis":            {"github.com/redis/go-redis/v9"},
	"sql":              {"github.com/google/uuid"},
}

func workspace(root string) ([]module, error) {
	list, err := output("go", "list", "-m", "-f", "{{.Path}} {{.Dir}}")
	if err != nil {
		return nil, err
	}
	var modules []module
	for line := range strings.Lines(list) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return nil, err
		}
		modules = append(modules, module{path: path, dir: filepath.ToSlash(rel)})
	}
	return modules, nil
}

// checkModules holds the go.mod files to what a user of a module may expect.
func (r *repository) checkModules() error {
	var faults []string
	fault := func(m module, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("  %s/go.mod %s", m.dir, fmt.Sprintf(format, args...)))
	}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "testdata" || name == "node_modules" || name != "." && strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if entry.Name() == "go.mod" && !slices.ContainsFunc(r.modules, func(m module) bool { return m.dir == dir }) {
			fault(module{dir: dir}, "is not in go.work, so nothing checks it: go work use ./%s", dir)
		}
		return nil
	})
	if err != nil {
		return err
	}
	declared := map[string]string{}
	text, err := os.ReadFile("versions.json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &declared); err != nil {
		return fmt.Errorf("versions.json: %w", err)
	}
	for _, m := range r.modules {
		mod, err := m.read()
		if err != nil {
			return err
		}
		if rest, found := strings.CutPrefix(m.path, project+m.dir); !found || rest != "" && !strings.HasPrefix(rest, "/v") {
			fault(m, "says %s; after its folder it is %s", m.path, project+m.dir)
		}
		if len(mod.Replace) > 0 {
			fault(m, "has a replace, which its users do not get: go.work is the place for it")
		}
		allowed, known := released[m.dir]
		if declared[m.dir] == "" == known {
			fault(m, "is of a module that versions.json and tools/check/modules.go see differently: a released one is in both")
		}
		if !known && !slices.Contains(unreleased, m.dir) {
			fault(m, "is of a module that tools/check/modules.go does not know: say there what it may require")
		}
		for _, require := range mod.Require {
			outside := !strings.HasPrefix(require.Path, project) && !require.Indirect
			if known && outside && !slices.Contains(allowed, require.Path) {
				fault(m, "requires %s, which its users would get; it has to do with %v", require.Path, allowed)
			}
			sibling, inside := strings.CutPrefix(require.Path, project)
			switch {
			case inside && known && slices.Contains(unreleased, sibling):
				fault(m, "requires %s, which is never released", require.Path)
			case inside && strings.HasPrefix(require.Version, "v0.0.0-"):
				fault(m, "requires %s at %s, which is no release: name the version in go.work", require.Path, require.Version)
			}
		}
		fmt.Printf("%-18s requires %d others\n", m.dir, len(mod.Require))
	}
	if len(faults) > 0 {
		return fmt.Errorf("change these:\n%s", strings.Join(faults, "\n"))
	}
	return nil
}

// A modFile is what go mod edit -json says of a go.mod.
type modFile struct {
	Require []struct {
		Path, Version string
		Indirect      bool
	}
	Replace []json.RawMessage
}

func (m module) read() (modFile, error) {
	var mod modFile
	text, err := output("go", "mod", "edit", "-json", m.dir+"/go.mod")
	if err != nil {
		return mod, err
	}
	return mod, json.Unmarshal([]byte(text), &mod)
}

// command is a go command inside the module, without the workspace. Siblings
// may be unpublished, so it works on a copy of the module's go.mod that finds
// them in their folders; nothing is written in the tree.
func (m module) command(modfile string, args ...string) *exec.Cmd {
	args = slices.Insert(args, verb(args), "-modfile="+modfile)
	cmd := exec.Command("go", args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	return cmd
}

// verb is how many of the words name the command: flags come after them.
func verb(args []string) int {
	if args[0] == "mod" {
		return 2
	}
	return 1
}

// modfile writes that copy, with its go.sum, and returns its name.
func (r *repository) modfile(m module) (string, error) {
	dir := filepath.Join(r.scratch, filepath.FromSlash(m.dir))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	mod, err := os.ReadFile(m.dir + "/go.mod")
	if err != nil {
		return "", err
	}
	back := strings.Repeat("../", strings.Count(m.dir, "/")+1)
	for _, sibling := range r.modules {
		if sibling != m {
			mod = fmt.Appendf(mod, "\nreplace %s => %s%s\n", sibling.path, back, sibling.dir)
		}
	}
	sum, err := os.ReadFile(m.dir + "/go.sum")
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	name := filepath.Join(dir, "go.mod")
	if err := os.WriteFile(name, mod, 0o644); err != nil {
		return "", err
	}
	_, others := splitSum(string(sum))
	return name, os.WriteFile(filepath.Join(dir, "go.sum"), []byte(others), 0o644)
}

// splitSum parts the lines of a go.sum on siblings from the others. A replaced
// module has no line, so the copy goes without and tidy leaves them alone: they
// are the release's to write.
func splitSum(sum string) (siblings, others string) {
	for line := range strings.Lines(sum) {
		if strings.HasPrefix(line, project) {
			siblings += line
		} else {
			others += line
		}
	}
	return siblings, others
}
