package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// A moduleProxy is a folder that the go command takes for a module proxy. It
// has the project's modules at versions that are tagged or pending, so that what
// requires them can be tidied and built as its users will: go.work does not serve
// for that, and the public proxy must not be asked for a version before it exists,
// since it remembers a no.
type moduleProxy struct{ dir string }

// proxy makes one with the versions that are tagged and, from the tree, those that
// are pending.
func (r *repository) proxy() (moduleProxy, error) {
	p := moduleProxy{filepath.Join(r.scratch, "proxy")}
	tree, err := r.tree()
	if err != nil {
		return p, err
	}
	for _, m := range r.modules {
		versions, err := r.versions(m)
		if err != nil {
			return p, err
		}
		for _, version := range versions {
			if _, err := r.git("cat-file", "-e", "refs/tags/"+m.tag(version)+":"+m.dir+"/go.mod"); err != nil {
				continue // not of this module: somebody's mistake, which the module proxy does not serve either
			}
			if err := p.add(r.root, "refs/tags/"+m.tag(version), m.dir, version); err != nil {
				return p, err
			}
		}
		if m.pending() {
			if err := p.add(r.root, tree, m.dir, m.declared); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// add puts a version of a module into the proxy: what git has of the module's
// folder in a tree or a commit. The zip is the one that the tag will give, and
// so is its hash.
func (p moduleProxy) add(root, treeish, dir, version string) error {
	show := exec.Command("git", "show", treeish+":"+dir+"/go.mod")
	show.Dir = root
	mod, err := show.Output()
	if err != nil {
		return fmt.Errorf("no %s/go.mod in %s: %w", dir, treeish, err)
	}
	v := module.Version{Path: modfile.ModulePath(mod), Version: version}
	path, err := module.EscapePath(v.Path)
	if err != nil {
		return err
	}
	versions := filepath.Join(p.dir, filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": v.Version, "Time": time.Now().UTC()})
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(versions, v.Version+".zip"))
	if err != nil {
		return err
	}
	err = zip.CreateFromVCS(file, v, root, treeish, dir)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("a zip of %s: %w", v, err)
	}
	for name, content := range map[string][]byte{v.Version + ".mod": mod, v.Version + ".info": info} {
		if err := os.WriteFile(filepath.Join(versions, name), content, 0o644); err != nil {
			return err
		}
	}
	return p.list(versions)
}

// list writes what the proxy answers to the question which versions there are.
func (p moduleProxy) list(versions string) error {
	infos, err := filepath.Glob(filepath.Join(versions, "*.info"))
	if err != nil {
		return err
	}
	var list strings.Builder
	for _, info := range infos {
		fmt.Fprintln(&list, strings.TrimSuffix(filepath.Base(info), ".info"))
	}
	return os.WriteFile(filepath.Join(versions, "list"), []byte(list.String()), 0o644)
}

// goCommand runs a go command that sees the proxy, without go.work. It has a
// module cache of its own, since a pending version may still change, and takes
// from the user's what is there.
func (p moduleProxy) goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	env, err := p.environment()
	if err != nil {
		return "", err
	}
	return run(ctx, dir, env, "go", args...)
}

func (p moduleProxy) environment() ([]string, error) {
	text, err := exec.Command("go", "env", "-json", "GOFLAGS", "GOMODCACHE", "GOPROXY", "GONOSUMDB").Output()
	if err != nil {
		return nil, err
	}
	var user struct{ GOFLAGS, GOMODCACHE, GOPROXY, GONOSUMDB string }
	if err := json.Unmarshal(text, &user); err != nil {
		return nil, err
	}
	return []string{
		"GOWORK=off",
		"GOMODCACHE=" + filepath.Join(p.dir, "cache"),
		"GOPROXY=" + fileURL(p.dir) + "," + fileURL(filepath.Join(user.GOMODCACHE, "cache", "download")) + "," + user.GOPROXY,
		"GONOSUMDB=" + strings.TrimPrefix(user.GONOSUMDB+",", ",") + strings.TrimSuffix(project, "/"),
		// -trimpath: else all would be compiled anew, as each cache is in another folder.
		"GOFLAGS=" + strings.TrimSpace(user.GOFLAGS+" -modcacherw -trimpath -buildvcs=false"),
	}, nil
}

func fileURL(dir string) string {
	return "file:///" + strings.TrimPrefix(filepath.ToSlash(dir), "/")
}
