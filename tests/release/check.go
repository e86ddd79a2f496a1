package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// check refuses a release that its users could not use: what it finds says what
// to change. It looks at the declared versions that have no tag yet.
func (r *repository) check() error {
	if err := r.checkDeclared(); err != nil {
		return err
	}
	if !slices.ContainsFunc(r.modules, (*goModule).planned) {
		fmt.Println("nothing to release")
		return nil
	}
	proxy, err := r.proxy()
	if err != nil {
		return err
	}
	return r.checkBuilds(proxy)
}

// checkDeclared looks at what the versions, the go.mod files and the changelogs
// say, and at how the API changed.
func (r *repository) checkDeclared() error {
	var faults []error
	for _, m := range r.modules {
		faults = append(faults, r.checkVersion(m)...)
		if m.planned() {
			faults = append(faults, r.checkRequires(m)...)
		}
	}
	// To read an API, go would ask the module proxy for what is not there.
	if len(faults) == 0 {
		for _, m := range r.modules {
			if m.planned() {
				faults = append(faults, r.checkChange(m))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("this cannot be released:\n%w", err)
	}
	return nil
}

// checkBuilds builds what is planned as its users will.
func (r *repository) checkBuilds(proxy moduleProxy) error {
	for _, m := range r.modules {
		if m.planned() {
			fmt.Printf("%s %s\n", m.dir, m.declared)
			if err := r.checkAlone(m, proxy); err != nil {
				return err
			}
		}
	}
	return r.checkTogether(proxy)
}

func (r *repository) checkVersion(m *goModule) (faults []error) {
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("versions.json: %s %s: %s", m.dir, m.declared, fmt.Sprintf(format, args...)))
	}
	if semver.Canonical(m.declared) != m.declared || module.IsPseudoVersion(m.declared) {
		fault("%q is no version of a release; one looks like v0.2.0", m.declared)
		return faults
	}
	if _, major, _ := module.SplitPathVersion(m.path()); module.CheckPathMajor(m.declared, major) != nil {
		fault("a module of this version is called %s%s/%s", project, m.dir, semver.Major(m.declared))
	}
	if m.tagged != "" && semver.Compare(m.declared, m.tagged) < 0 {
		fault("it was released at %s already", m.tagged)
	}
	if m.planned() {
		log, err := r.changelog(m)
		if err != nil {
			fault("%v", err)
		} else if log.section(m.declared) == "" {
			fault("%s/CHANGELOG.md has no section of it; go run ./tests/release prepare makes it", m.dir)
		}
	}
	return faults
}

func (r *repository) checkRequires(m *goModule) (faults []error) {
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s/go.mod %s", m.dir, fmt.Sprintf(format, args...)))
	}
	if len(m.file.Replace) > 0 {
		fault("has a replace, which users do not get")
	}
	for _, require := range m.file.Require {
		version := require.Mod.Version
		if semver.Prerelease(version) != "" && !module.IsPseudoVersion(version) && semver.Prerelease(m.declared) == "" {
			fault("requires %s, a pre-release, and is to be a stable version", require.Mod)
		}
	}
	for sibling, version := range r.siblings(m.file) {
		if module.IsPseudoVersion(version) {
			fault("requires %s at %s, which is no release", sibling.dir, version)
		} else if version != sibling.declared || !sibling.planned() {
			if _, err := r.git("rev-parse", "--verify", "--quiet", "refs/tags/"+sibling.tag(version)); err != nil {
				fault("requires %s at %s, which is neither released nor declared: release it too", sibling.dir, version)
			}
		}
	}
	return faults
}

// checkChange holds the step of a version to what changed since the last stable
// one. What came before the first promised nothing.
func (r *repository) checkChange(m *goModule) error {
	if m.stable == "" {
		return nil
	}
	difference, err := r.compareAPI(m)
	if err != nil {
		return err
	}
	if breaks := difference.incompatible; len(breaks) > 0 && !permits(m.stable, m.declared, breaking) {
		return fmt.Errorf("%s breaks the API of %s, so it is not %s but %s:\n    %s", m.dir, m.stable, m.declared,
			next(m.stable, breaking), strings.Join(breaks, "\n    "))
	}
	if more := difference.compatible; len(more) > 0 && !permits(m.stable, m.declared, addition) {
		return fmt.Errorf("%s adds to the API of %s, so it is not %s but %s:\n    %s", m.dir, m.stable, m.declared,
			next(m.stable, addition), strings.Join(more, "\n    "))
	}
	return nil
}

// checkAlone builds a planned module with the siblings it requires as they are
// released or planned, not as they are in the tree.
func (r *repository) checkAlone(m *goModule, proxy moduleProxy) error {
	dir := filepath.Join(r.root, filepath.FromSlash(m.dir))
	if _, err := proxy.goCommand(r.ctx, dir, "mod", "tidy", "-diff"); err != nil {
		return fmt.Errorf("%s is not as prepare left it: undo the release's commit, and prepare it again: %w", m.dir, err)
	}
	if _, err := proxy.goCommand(r.ctx, dir, "build", "./..."); err != nil {
		return fmt.Errorf("%s does not build with the siblings that it requires; release those too: %w", m.dir, err)
	}
	return nil
}

// checkTogether builds a package outside of the repository that takes each
// module at its declared version. It finds what each module by itself does not: a
// core that was released without the stores that its change breaks.
func (r *repository) checkTogether(proxy moduleProxy) error {
	dir := filepath.Join(r.scratch, "together")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var imports, requires strings.Builder
	for _, m := range r.modules {
		if m.declared == unreleased {
			continue
		}
		fmt.Fprintf(&requires, "require %s %s\n", m.path(), m.declared)
		packages, err := proxy.goCommand(r.ctx, filepath.Join(r.root, filepath.FromSlash(m.dir)), "list", "./...")
		if err != nil {
			return err
		}
		for _, path := range strings.Fields(packages) {
			if !strings.Contains(path, "/internal/") && !strings.HasSuffix(path, "/internal") {
				fmt.Fprintf(&imports, "import _ %q\n", path)
			}
		}
	}
	files := map[string]string{
		"go.mod":      "module together\n\ngo " + goVersion(r) + "\n\n" + requires.String(),
		"together.go": "package together\n\n" + imports.String(), // no program, as linking one takes long
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"build", "."}} {
		if _, err := proxy.goCommand(r.ctx, dir, args...); err != nil {
			return fmt.Errorf("a program that takes all modules at their declared versions does not build. "+
				"If a released module does not fit another that is to be: release both: %w", err)
		}
	}
	fmt.Println("together: builds")
	return nil
}

// goVersion is the highest that a module asks for.
func goVersion(r *repository) string {
	highest := "1.21"
	for _, m := range r.modules {
		if m.file.Go != nil && semver.Compare("v"+m.file.Go.Version, "v"+highest) > 0 {
			highest = m.file.Go.Version
		}
	}
	return highest
}
