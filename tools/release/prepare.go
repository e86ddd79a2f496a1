package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// prepare writes a release into the tree: the versions, what the modules require
// of each other, the changelogs, go.work and the README's table.
func (r *repository) prepare(args []string) error {
	if err := r.clean(); err != nil {
		return err
	}
	if err := r.fetchTags(); err != nil {
		return err
	}
	versions, err := r.wanted(args)
	if err != nil {
		return err
	}
	for m, version := range versions {
		m.declared = version
	}
	if err := r.write(versions); err != nil {
		return errors.Join(err, r.undo())
	}
	fmt.Println("\nRead the changelogs, commit this as one change and open a pull request. Merging it publishes.")
	return nil
}

// undo restores the tree, which was clean. A half of a release in it would have
// the next go command ask the module proxy for what is not there.
func (r *repository) undo() error {
	r.ctx = context.WithoutCancel(r.ctx)
	_, err1 := r.git("reset", "--quiet", "--hard")
	_, err2 := r.git("clean", "--quiet", "--force", "-d")
	return errors.Join(err1, err2)
}

func (r *repository) write(versions map[*goModule]string) error {
	if err := r.writeVersions(); err != nil {
		return err
	}
	for _, m := range r.modules {
		if versions[m] == "" {
			continue
		}
		raised, err := r.require(m.dir, m.file, m.declared)
		if err != nil {
			return err
		}
		if err := r.writeChangelog(m, raised); err != nil {
			return err
		}
	}
	for _, dir := range r.others {
		file, err := readMod(filepath.Join(r.root, dir))
		if err != nil {
			return err
		}
		if _, err := r.require(dir, file, ""); err != nil {
			return err
		}
	}
	if err := r.writeWork(); err != nil {
		return err
	}
	if err := r.writeReadme(); err != nil {
		return err
	}
	if err := r.checkDeclared(); err != nil {
		return err
	}
	proxy, err := r.proxy()
	if err != nil {
		return err
	}
	if err := r.writeSums(proxy); err != nil {
		return err
	}
	return r.checkBuilds(proxy)
}

// wanted returns the versions that the arguments ask for.
func (r *repository) wanted(args []string) (map[*goModule]string, error) {
	versions := map[*goModule]string{}
	for _, arg := range args {
		dir, version, _ := strings.Cut(arg, "=")
		m := r.module(dir)
		if m == nil {
			return nil, fmt.Errorf("%s: versions.json has no module %q", arg, dir)
		}
		if version == "" || semver.Canonical(version) != version {
			return nil, fmt.Errorf("%s: %q is no version; one looks like v0.2.0", arg, version)
		}
		versions[m] = version
	}
	if len(versions) == 0 {
		return nil, errors.New(usage)
	}
	for m, version := range versions {
		if semver.Compare(version, m.tagged) <= 0 || version == unreleased {
			return nil, fmt.Errorf("%s=%s: it is at %s already", m.dir, version, m.tagged)
		}
	}
	return versions, nil
}

// require makes a go.mod require its siblings at their declared versions, and
// returns those that it had at others. A stable version does not come to require
// a pre-release.
func (r *repository) require(dir string, file *modfile.File, own string) (raised []string, err error) {
	for _, sibling := range r.modules {
		version, required := r.siblings(file)[sibling]
		if !required || version == sibling.declared {
			continue
		}
		if own != "" && semver.Prerelease(own) == "" && semver.Prerelease(sibling.declared) != "" {
			continue
		}
		if err := file.AddRequire(sibling.path(), sibling.declared); err != nil {
			return nil, err
		}
		raised = append(raised, sibling.dir+" "+sibling.declared)
	}
	if raised == nil {
		return nil, nil
	}
	return raised, writeMod(filepath.Join(r.root, dir), file)
}

// writeChangelog makes what is unreleased in a changelog the declared version's.
func (r *repository) writeChangelog(m *goModule, raised []string) error {
	log, err := r.changelog(m)
	if err != nil {
		return err
	}
	fallback := ""
	if len(raised) > 0 {
		fallback = "### Changed\n\n- Requires " + strings.Join(raised, ", ") + "."
	}
	log, err = log.release(m.declared, time.Now().Format(time.DateOnly), fallback)
	if err != nil {
		return fmt.Errorf("%s/CHANGELOG.md %w", m.dir, err)
	}
	return os.WriteFile(r.changelogFile(m), []byte(log), 0o644)
}

// writeWork has go.work replace each sibling at each version that is required,
// so that it works before they are published, and without asking for them after.
func (r *repository) writeWork() error {
	work, err := r.readWork()
	if err != nil {
		return err
	}
	needed := map[module.Version]bool{}
	for _, use := range work.Use {
		file, err := readMod(filepath.Join(r.root, use.Path))
		if err != nil {
			return err
		}
		for sibling, version := range r.siblings(file) {
			needed[module.Version{Path: sibling.path(), Version: version}] = true
			// First, as it goes beside the one that it takes the place of.
			if err := work.AddReplace(sibling.path(), version, "./"+sibling.dir, ""); err != nil {
				return err
			}
		}
	}
	for _, replace := range work.Replace {
		released := r.module(strings.TrimPrefix(replace.New.Path, "./")) != nil
		if released && !needed[replace.Old] {
			if err := work.DropReplace(replace.Old.Path, replace.Old.Version); err != nil {
				return err
			}
		}
	}
	work.Cleanup()
	work.SortBlocks()
	return os.WriteFile(filepath.Join(r.root, "go.work"), modfile.Format(work.Syntax), 0o644)
}

// writeReadme writes the declared versions into the last column of the root
// README's table of modules.
func (r *repository) writeReadme() error {
	name := filepath.Join(r.root, "README.md")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, m := range r.modules {
		if m.declared == unreleased {
			continue
		}
		found := false
		for i, line := range lines {
			if cells := strings.Split(line, "|"); strings.HasPrefix(line, fmt.Sprintf("| [`%s`](%[1]s) |", m.dir)) {
				cells[len(cells)-2] = " " + m.declared + " "
				lines[i] = strings.Join(cells, "|")
				found = true
			}
		}
		if !found {
			return fmt.Errorf("README.md has no row of the table of modules for %s", m.dir)
		}
	}
	return os.WriteFile(name, []byte(strings.Join(lines, "")), 0o644)
}

// writeSums tidies each pending module by itself, the required before those that
// require them, as a zip's hash goes into the next one's go.sum.
func (r *repository) writeSums(proxy moduleProxy) error {
	for _, m := range r.modules {
		if !m.pending() {
			continue
		}
		if err := r.forget(m); err != nil {
			return err
		}
		if _, err := proxy.goCommand(r.ctx, filepath.Join(r.root, m.dir), "mod", "tidy"); err != nil {
			return err
		}
		tree, err := r.tree()
		if err != nil {
			return err
		}
		if err := proxy.add(r.root, tree, m.dir, m.declared); err != nil {
			return err
		}
	}
	return nil
}

// forget drops the hashes of siblings from a go.sum: those of pending versions
// change with each change of the release.
func (r *repository) forget(m *goModule) error {
	name := filepath.Join(r.root, m.dir, "go.sum")
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, project) {
			kept.WriteString(line)
		}
	}
	return os.WriteFile(name, []byte(kept.String()), 0o644)
}
