package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// publish tags and releases each module whose declared version is not yet, one
// after the other, the required first. What is done already is left alone, so
// after a failure it is run again, at the same commit or a later one. A dry run
// ends before the first tag.
func (r *repository) publish(dry bool) error {
	github, err := newGitHub()
	if err != nil {
		return err
	}
	if err := r.mirrored(); err != nil {
		return err
	}
	// All of check has been run on this commit by the job before.
	if err := r.checkDeclared(); err != nil {
		return err
	}
	releases, err := r.preflight(github)
	if err != nil {
		return fmt.Errorf("nothing was tagged:\n%w", err)
	}
	for _, release := range releases {
		if dry {
			fmt.Printf("%s: to be released\n", release.tag)
		} else if err := r.publishModule(release); err != nil {
			return fmt.Errorf("%s: %w\nRun this again to go on from here", release.tag, err)
		}
	}
	return nil
}

// mirrored makes sure that what is released is what the remote has: a clean
// tree at a commit of its main, and its tags and no others.
func (r *repository) mirrored() error {
	if err := r.clean(); err != nil {
		return err
	}
	if _, err := r.git("fetch", "--quiet", "--prune", "--prune-tags", "--force", "origin", "+refs/heads/main:refs/remotes/origin/main", "+refs/tags/*:refs/tags/*"); err != nil {
		return err
	}
	if shallow, err := r.git("rev-parse", "--is-shallow-repository"); err != nil || shallow != "false" {
		return errors.Join(err, errors.New("the notes need the whole history: git fetch --unshallow"))
	}
	if err := r.inMain("HEAD"); err != nil {
		return fmt.Errorf("merge first: %w", err)
	}
	return r.read()
}

func (r *repository) inMain(revision string) error {
	if _, err := r.git("merge-base", "--is-ancestor", revision, "refs/remotes/origin/main"); err != nil {
		return fmt.Errorf("%s is not in origin's main", revision)
	}
	return nil
}

func (r *repository) publishModule(release *release) error {
	if release.module.pending() {
		if err := r.pushTag(release); err != nil {
			return err
		}
		fmt.Printf("%s: tagged\n", release.tag)
	}
	if err := r.goReleaser(release, "validate,announce"); err != nil {
		return err
	}
	fmt.Printf("%s: released\n", release.tag)
	// The next module's users need this one.
	if err := r.await(release.module); err != nil {
		return err
	}
	fmt.Printf("%s: in the module proxy\n", release.tag)
	return nil
}

// pushTag makes an annotated tag at HEAD and pushes it, and nothing else.
func (r *repository) pushTag(release *release) error {
	message := release.module.path() + " " + release.module.declared
	if _, err := r.git("tag", "--annotate", "--no-sign", "--message", message, release.tag, "HEAD"); err != nil {
		return err
	}
	_, err := r.git("push", "--quiet", "--no-follow-tags", "--no-verify", "origin", "refs/tags/"+release.tag)
	return err
}

// A release is one that is still to be made, or to be completed.
type release struct {
	module *goModule
	tag    string
	dir    string   // has what GoReleaser reads
	env    []string // of GoReleaser
}

// newRelease writes down what GoReleaser is to make of a tag, which is, or will be,
// at the given revision.
func (r *repository) newRelease(m *goModule, github *github, at string) (*release, error) {
	tag, previous := m.tag(m.declared), r.previousTag(m, at)
	notes, err := r.notes(m, previous, at)
	if err != nil {
		return nil, err
	}
	config, err := r.goReleaserConfig(m, github)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(r.scratch, "goreleaser-")
	if err != nil {
		return nil, err
	}
	made := &release{module: m, tag: tag, dir: dir, env: []string{
		"GORELEASER_CURRENT_TAG=" + tag, "GORELEASER_PREVIOUS_TAG=" + previous,
		// A repository has one latest release, and core is what all have.
		fmt.Sprint("MAKE_LATEST=", m.dir == "core"),
	}}
	return made, errors.Join(os.WriteFile(made.file("notes.md"), []byte(notes), 0o644), os.WriteFile(made.file("goreleaser.yaml"), []byte(config), 0o644))
}

func (r *release) file(name string) string { return filepath.Join(r.dir, name) }

// goReleaser makes a release, but for the steps to skip. It takes no tag with a path
// in it for a version, so its validation is always skipped: mirrored has done what it
// would.
func (r *repository) goReleaser(release *release, skip string) error {
	_, err := run(r.ctx, r.root, release.env, "goreleaser", "release", "--clean", "--skip="+skip,
		"--config="+release.file("goreleaser.yaml"), "--release-notes="+release.file("notes.md"))
	return err
}

// goReleaserConfig is .goreleaser.yaml with what cannot be a template in it.
func (r *repository) goReleaserConfig(m *goModule, github *github) (string, error) {
	text, err := os.ReadFile(filepath.Join(r.root, ".goreleaser.yaml"))
	if err != nil {
		return "", err
	}
	config := fmt.Sprintf("%s\ndist: %q\n", text, filepath.Join(r.scratch, "dist"))
	if semver.Prerelease(m.declared) != "" { // "auto" does not see that of a tag with a path
		config = strings.Replace(config, "\n  prerelease: false\n", "\n  prerelease: true\n", 1)
	}
	if github.api != publicAPI {
		config += fmt.Sprintf("github_urls: {api: %q, upload: %[1]q, download: %[1]q}\n", github.api)
	}
	return config, nil
}

// previousTag is the newest tag before a revision, or "". That of a stable version is
// stable too: its notes are not about its pre-releases alone.
func (r *repository) previousTag(m *goModule, at string) string {
	describe := []string{"describe", "--tags", "--abbrev=0", "--match=" + m.dir + "/v*"}
	if semver.Prerelease(m.declared) == "" {
		describe = append(describe, "--exclude=*-*")
	}
	tag, _ := r.git(append(describe, at+"^")...) // fails where there is none
	return tag
}

// notes are what the changelog says of the version, and the commits that touched
// the module's folder since its previous release. Before the first there was none to
// compare with.
func (r *repository) notes(m *goModule, previous, at string) (string, error) {
	log, err := r.git("show", at+":"+m.dir+"/CHANGELOG.md")
	if err != nil {
		return "", err
	}
	notes := fmt.Sprintf("```sh\ngo get %s@%s\n```\n\n%s\n", m.path(), m.declared, changelog("\n"+log).section(m.declared))
	if previous == "" {
		return notes, nil
	}
	commits, err := r.git("-c", "log.showSignature=false", "log", "--no-merges", "--format=- %h %s", previous+".."+at, "--", m.dir)
	return fmt.Sprintf("%s\n## Commits\n\n%s\n", notes, commits), err
}

// await returns when the module proxy serves the declared version. The proxy is asked only now, as it remembers a no: for half an hour, or more
// if a stranger asked before.
func (r *repository) await(m *goModule) error {
	ctx, cancel := context.WithTimeout(r.ctx, time.Hour)
	defer cancel()
	for {
		err := r.download(ctx, m.path()+"@"+m.declared)
		if err == nil {
			return nil
		}
		fmt.Printf("%s: not in the module proxy yet\n", m.tag(m.declared))
		select {
		case <-ctx.Done():
			return fmt.Errorf("the module proxy does not serve it: %w", err)
		case <-time.After(15 * time.Second):
		}
	}
}

// download gets a version from the module proxy, and from nowhere else.
func (r *repository) download(ctx context.Context, version string) error {
	proxies, err := run(ctx, r.root, nil, "go", "env", "GOPROXY")
	if err != nil {
		return err
	}
	cache, err := os.MkdirTemp(r.scratch, "cache-")
	if err != nil {
		return err
	}
	env := []string{
		"GOWORK=off", "GOMODCACHE=" + cache, "GOFLAGS=-modcacherw",
		// From the remote itself it could be had at once.
		"GOPROXY=" + strings.TrimSuffix(proxies, ",direct"),
	}
	_, err = run(ctx, cache, env, "go", "mod", "download", version)
	return err
}
