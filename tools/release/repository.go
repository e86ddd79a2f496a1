package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

const (
	project = "github.com/gostateful/session/"

	// unreleased is what versions.json declares for a module before its first
	// release, and what the others then require.
	unreleased = "v0.0.0"
)

// A repository is the checkout that is released.
type repository struct {
	ctx     context.Context
	root    string
	scratch string      // a folder for temporary files, outside the tree
	modules []*goModule // the released ones, each after those that it requires
	others  []string    // folders of the modules that are never released
}

// A goModule is one that gets released.
type goModule struct {
	dir      string // folder below the root, with slashes: also the tag's first part
	file     *modfile.File
	declared string // its version in versions.json
	tagged   string // its newest tag's version, or ""
	stable   string // the newest that is no pre-release: what its API is held to; or ""
}

func (m *goModule) path() string { return m.file.Module.Mod.Path }

// tag is the name of a version's tag, which Go wants so.
func (m *goModule) tag(version string) string { return m.dir + "/" + version }

// pending reports whether the declared version is still to be tagged.
func (m *goModule) pending() bool {
	return m.declared != unreleased && m.declared != m.tagged
}

func open(ctx context.Context) (*repository, error) {
	root, err := run(ctx, ".", nil, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	r := &repository{ctx: ctx, root: root}
	if r.scratch, err = os.MkdirTemp("", "session-release-"); err != nil {
		return nil, err
	}
	if err := r.read(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *repository) close() { os.RemoveAll(r.scratch) }

// read reads versions.json, the go.mod files and the tags.
func (r *repository) read() error {
	text, err := os.ReadFile(filepath.Join(r.root, "versions.json"))
	if err != nil {
		return err
	}
	versions := map[string]string{}
	if err := json.Unmarshal(text, &versions); err != nil {
		return fmt.Errorf("versions.json: %w", err)
	}
	r.modules, r.others = nil, nil
	for dir, version := range versions {
		m := &goModule{dir: dir, declared: version}
		if m.file, err = readMod(filepath.Join(r.root, dir)); err != nil {
			return err
		}
		if err := r.readTags(m); err != nil {
			return err
		}
		r.modules = append(r.modules, m)
	}
	// A go.mod lists what is required by what it requires, so it has more of them.
	slices.SortFunc(r.modules, func(a, b *goModule) int {
		return cmp.Or(cmp.Compare(len(r.siblings(a.file)), len(r.siblings(b.file))), strings.Compare(a.dir, b.dir))
	})
	work, err := r.readWork()
	if err != nil {
		return err
	}
	for _, use := range work.Use {
		if dir := strings.TrimPrefix(use.Path, "./"); r.module(dir) == nil {
			r.others = append(r.others, dir)
		}
	}
	return nil
}

// versions returns those that have a tag, in no order.
func (r *repository) versions(m *goModule) (versions []string, err error) {
	list, err := r.git("tag", "--list", m.dir+"/v*")
	for _, tag := range strings.Fields(list) {
		// Others are no versions to the go command.
		if version := strings.TrimPrefix(tag, m.dir+"/"); semver.Canonical(version) == version {
			versions = append(versions, version)
		}
	}
	return versions, err
}

func (r *repository) readTags(m *goModule) error {
	versions, err := r.versions(m)
	if err != nil {
		return err
	}
	for _, version := range versions {
		if semver.Compare(version, m.tagged) > 0 { // anything is above no version
			m.tagged = version
		}
		if semver.Prerelease(version) == "" && semver.Compare(version, m.stable) > 0 {
			m.stable = version
		}
	}
	return nil
}

// fetchTags brings the tags of the remote: without them, what is released looks
// as if it were not.
func (r *repository) fetchTags() error {
	if _, err := r.git("fetch", "--quiet", "--tags", "origin"); err != nil {
		return err
	}
	return r.read()
}

// module returns the released module of a folder, or nil.
func (r *repository) module(dir string) *goModule {
	for _, m := range r.modules {
		if m.dir == dir {
			return m
		}
	}
	return nil
}

// siblings returns the released modules that a go.mod requires, with the
// versions it requires.
func (r *repository) siblings(file *modfile.File) map[*goModule]string {
	required := map[*goModule]string{}
	for _, require := range file.Require {
		for _, m := range r.modules {
			if require.Mod.Path == m.path() {
				required[m] = require.Mod.Version
			}
		}
	}
	return required
}

// writeVersions writes versions.json.
func (r *repository) writeVersions() error {
	versions := map[string]string{}
	for _, m := range r.modules {
		versions[m.dir] = m.declared
	}
	text, err := json.MarshalIndent(versions, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.root, "versions.json"), append(text, '\n'), 0o644)
}

func readMod(dir string) (*modfile.File, error) {
	name := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(name, text, nil)
}

func writeMod(dir string, file *modfile.File) error {
	file.Cleanup()
	text, err := file.Format()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), text, 0o644)
}

func (r *repository) readWork() (*modfile.WorkFile, error) {
	name := filepath.Join(r.root, "go.work")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return modfile.ParseWork(name, text, nil)
}
