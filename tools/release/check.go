package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// check refuses a release that its users could not use: what it finds says what
// to change. It looks at the declared versions that have no tag yet.
func (r *repository) check() error {
	if err := r.checkDeclared(); err != nil {
		return err
	}
	if !slices.ContainsFunc(r.modules, (*goModule).pending) {
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
		if m.pending() {
			faults = append(faults, r.checkRequires(m)...)
		}
	}
	// To read an API, go would ask the module proxy for what is not there.
	if len(faults) == 0 {
		for _, m := range r.modules {
			if m.pending() {
				faults = append(faults, r.checkChange(m))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("this cannot be released:\n%w", err)
	}
	return nil
}

// checkBuilds builds what is pending as its users will.
func (r *repository) checkBuilds(proxy moduleProxy) error {
	for _, m := range r.modules {
		if m.pending() {
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
		fault("%s is not how the path of a module of this version ends: from v2 on it ends in /vN", m.path())
	}
	if m.tagged != "" && semver.Compare(m.declared, m.tagged) < 0 {
		fault("it was released at %s already", m.tagged)
	}
	if m.pending() {
		log, err := r.changelog(m)
		if err != nil {
			fault("%v", err)
		} else if changes, err := log.unreleased(); err != nil {
			fault("%s/CHANGELOG.md %v", m.dir, err)
		} else if again := "go run ./tools/release prepare " + m.dir + "=" + m.declared; log.section(m.declared) == "" {
			fault("%s/CHANGELOG.md has no section of it: %s makes it", m.dir, again)
		} else if changes != "" {
			fault("%s/CHANGELOG.md has something unreleased, which this would release: %s takes it in", m.dir, again)
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
		} else if version != sibling.declared || !sibling.pending() {
			if _, err := r.git("rev-parse", "--verify", "--quiet", "refs/tags/"+sibling.tag(version)); err != nil {
				fault("requires %s at %s, which is neither released nor declared: release it too", sibling.dir, version)
			}
		}
	}
	return faults
}

// checkChange holds the step of a version to what changed in the API since the last
// stable one. What came before the first promised nothing.
func (r *repository) checkChange(m *goModule) error {
	if m.stable == "" {
		return nil
	}
	difference, err := r.compareAPI(m)
	if err != nil {
		return err
	}
	for change, lines := range map[string][]string{"breaks": difference.incompatible, "adds to": difference.compatible} {
		if len(lines) > 0 && !permits(m.stable, m.declared, change == "breaks") {
			return fmt.Errorf("%s %s the API of %s, so %s is too small a step:\n    %s", m.dir, change, m.stable, m.declared, strings.Join(lines, "\n    "))
		}
	}
	return nil
}

// permits reports whether the step from one version to the next may carry an
// addition or a break: in v0, where minor versions may break, an addition is a
// patch, so that a patch never needs more than go get.
func permits(from, to string, breaks bool) bool {
	minor := semver.MajorMinor(from) != semver.MajorMinor(to)
	switch semver.Major(from) {
	default:
		return semver.Major(from) != semver.Major(to) || minor && !breaks
	case "v0":
		return minor || !breaks
	}
}

// checkAlone builds a pending module with the siblings it requires as they are
// released or pending, not as they are in the tree.
func (r *repository) checkAlone(m *goModule, proxy moduleProxy) error {
	dir := filepath.Join(r.root, filepath.FromSlash(m.dir))
	if _, err := proxy.goCommand(r.ctx, dir, "mod", "tidy", "-diff"); err != nil {
		return fmt.Errorf("%s/go.sum does not fit what it requires. If a sibling has changed since, prepare that again, at the same version; "+
			"if this clone lacks tags: git fetch --tags: %w", m.dir, err)
	}
	if _, err := proxy.goCommand(r.ctx, dir, "build", "./..."); err != nil {
		return fmt.Errorf("%s does not build with the siblings that it requires; release those too: %w", m.dir, err)
	}
	return nil
}

// checkTogether builds all packages outside of the repository, from each module at
// its declared version. It finds what each module by itself does not: a core
// that was released without the stores that its change breaks.
func (r *repository) checkTogether(proxy moduleProxy) error {
	dir := filepath.Join(r.scratch, "together")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	mod := new(modfile.File)
	if err := mod.AddModuleStmt("together"); err != nil {
		return err
	}
	build := []string{"build", "-mod=mod"} // it may write its go.mod and go.sum
	for _, m := range r.modules {
		if m.declared == unreleased {
			continue
		}
		if err := mod.AddRequire(m.path(), m.declared); err != nil {
			return err
		}
		build = append(build, m.path()+"/...")
	}
	if err := writeMod(dir, mod); err != nil {
		return err
	}
	if _, err := proxy.goCommand(r.ctx, dir, build...); err != nil {
		return fmt.Errorf("the modules do not build together at their declared versions. "+
			"If a released one does not fit another that is to be: release both: %w", err)
	}
	fmt.Println("together: builds")
	return nil
}
