package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
)

// goReleaser is run from its source, so that the release uses what was
// rehearsed, and Go verifies it.
const goReleaser = "github.com/goreleaser/goreleaser/v2@v2.16.0"

// publish tags and releases each module whose declared version is not yet, one
// after the other, the required first. What is done already is left alone, so
// after a failure it is run again, at the same commit or a later one.
func (r *repository) publish() error {
	github, err := newGitHub()
	if err != nil {
		return err
	}
	if err := r.mirrored(); err != nil {
		return err
	}
	if err := r.read(); err != nil { // mirrored may have brought tags
		return err
	}
	// All of check has been run on this commit by the job before.
	if err := r.checkDeclared(); err != nil {
		return err
	}
	for _, m := range r.modules {
		if m.declared == unreleased {
			continue
		}
		if err := r.publishModule(m, github); err != nil {
			return fmt.Errorf("%s: %w\nRun this again to go on from here", m.tag(m.declared), err)
		}
	}
	return nil
}

// mirrored makes sure that what is released is what the remote has: a clean
// tree at a commit of its main, and no tag of its own.
func (r *repository) mirrored() error {
	if err := r.clean(); err != nil {
		return err
	}
	if _, err := r.git("fetch", "--quiet", "--tags", "origin", "+refs/heads/main:refs/remotes/origin/main"); err != nil {
		return err
	}
	if shallow, err := r.git("rev-parse", "--is-shallow-repository"); err != nil || shallow != "false" {
		return errors.Join(err, errors.New("the notes need the whole history: git fetch --unshallow"))
	}
	if _, err := r.git("merge-base", "--is-ancestor", "HEAD", "refs/remotes/origin/main"); err != nil {
		return errors.New("HEAD is not in origin's main: merge first")
	}
	for _, m := range r.modules {
		if err := r.ownTag(m); err != nil {
			return err
		}
	}
	return nil
}

// ownTag makes sure that a tag of the declared version, if there is one, was made
// by publish: somebody may have pushed another of its name.
func (r *repository) ownTag(m *goModule) error {
	tag := m.tag(m.declared)
	local, err := r.git("tag", "--list", tag)
	if err != nil || local == "" {
		return err
	}
	pushed, err := r.pushed(m)
	if err != nil {
		return err
	}
	if !pushed {
		return fmt.Errorf("the tag %s is in this clone alone: git tag -d %[1]s", tag)
	}
	if _, err := r.git("merge-base", "--is-ancestor", "refs/tags/"+tag, "refs/remotes/origin/main"); err != nil {
		return fmt.Errorf("the tag %s is not in main: delete it on the remote, unless somebody has got it already; then take the next version", tag)
	}
	text, err := r.git("show", "refs/tags/"+tag+":versions.json")
	if err != nil {
		return err
	}
	versions := map[string]string{}
	if err := json.Unmarshal([]byte(text), &versions); err != nil || versions[m.dir] != m.declared {
		return fmt.Errorf("the tag %s is at a commit that does not declare it: delete it on the remote, unless somebody has got it already; then take the next version", tag)
	}
	return nil
}

// pushed reports whether the remote has the tag of the declared version.
func (r *repository) pushed(m *goModule) (bool, error) {
	ref := "refs/tags/" + m.tag(m.declared)
	list, err := r.git("ls-remote", "origin", ref)
	return strings.HasSuffix(list, "\t"+ref), err
}

func (r *repository) publishModule(m *goModule, github *github) error {
	tag := m.tag(m.declared)
	tagged, err := r.pushed(m)
	if err != nil {
		return err
	}
	released, err := github.released(r.ctx, tag)
	if err != nil {
		return err
	}
	switch {
	case released && tagged:
		return nil
	case released:
		return errors.New("it was released and its tag is gone, which others may have got: take the next version")
	}
	at := "HEAD"
	if tagged {
		at = "refs/tags/" + tag
	}
	release, err := r.goReleaser(m, github, at) // what can fail now fails without a tag
	if err != nil {
		return err
	}
	if !tagged {
		if err := r.pushTag(m); err != nil {
			return err
		}
		fmt.Printf("%s: tagged\n", tag)
	}
	if err := release(); err != nil {
		return err
	}
	fmt.Printf("%s: released\n", tag)
	// The next module's users need this one.
	if err := r.await(m); err != nil {
		return err
	}
	fmt.Printf("%s: in the module proxy\n", tag)
	return nil
}

// pushTag makes an annotated tag at HEAD and pushes it, and nothing else.
func (r *repository) pushTag(m *goModule) error {
	tag := m.tag(m.declared)
	if _, err := r.git("tag", "--annotate", "--no-sign", "--message", m.path()+" "+m.declared, tag, "HEAD"); err != nil {
		return err
	}
	if _, err := r.git("push", "--quiet", "--no-follow-tags", "--no-verify", "origin", "refs/tags/"+tag); err != nil {
		_, undo := r.git("tag", "--delete", tag)
		return errors.Join(err, undo)
	}
	return nil
}

// goReleaser prepares the release of a tag, which is, or will be, at the given
// revision, and returns what makes it. GoReleaser takes no tag with a path in it
// for a version, so its validation is skipped: mirrored has done what it would.
func (r *repository) goReleaser(m *goModule, github *github, at string) (release func() error, err error) {
	previous, err := r.previousTag(m)
	if err != nil {
		return nil, err
	}
	notes, err := r.notes(m, previous, at)
	if err != nil {
		return nil, err
	}
	config, err := r.goReleaserConfig(m, github)
	if err != nil {
		return nil, err
	}
	notesFile, configFile := filepath.Join(r.scratch, "notes.md"), filepath.Join(r.scratch, "goreleaser.yaml")
	if err := errors.Join(os.WriteFile(notesFile, []byte(notes), 0o644), os.WriteFile(configFile, config, 0o644)); err != nil {
		return nil, err
	}
	return func() error {
		_, err := run(r.ctx, r.root, []string{"GORELEASER_CURRENT_TAG=" + m.tag(m.declared), "GORELEASER_PREVIOUS_TAG=" + previous},
			// To compile it takes minutes with optimizations, and to run it a second.
			"go", "run", "-gcflags=all=-N -l", "-ldflags=-s -w", goReleaser, "release", "--clean", "--skip=validate,announce", "--config="+configFile, "--release-notes="+notesFile)
		return err
	}, nil
}

// goReleaserConfig is .goreleaser.yaml with what differs between releases.
func (r *repository) goReleaserConfig(m *goModule, github *github) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(r.root, ".goreleaser.yaml"))
	if err != nil {
		return nil, err
	}
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf(".goreleaser.yaml: %w", err)
	}
	release, ok := config["release"].(map[string]any)
	if !ok {
		return nil, errors.New(".goreleaser.yaml has no release section")
	}
	owner, name, _ := strings.Cut(github.repository, "/")
	release["github"] = map[string]string{"owner": owner, "name": name}
	// Its "auto" does not see the pre-release of a tag with a path.
	release["prerelease"] = semver.Prerelease(m.declared) != ""
	// A repository has one latest release, and core is what all have.
	release["make_latest"] = m.dir == "core"
	config["dist"] = filepath.Join(r.scratch, "dist")
	if github.api != publicAPI {
		config["github_urls"] = map[string]string{"api": github.api, "upload": github.api, "download": github.api}
	}
	return yaml.Marshal(config)
}

// previousTag is the newest tag below the declared version, or "". That of a stable
// version is stable too: its notes are not about its pre-releases alone.
func (r *repository) previousTag(m *goModule) (string, error) {
	versions, err := r.versions(m)
	previous := ""
	for _, version := range versions {
		passed := semver.Prerelease(m.declared) == "" && semver.Prerelease(version) != ""
		if !passed && semver.Compare(version, m.declared) < 0 && semver.Compare(version, previous) > 0 {
			previous = version
		}
	}
	if previous == "" {
		return "", err
	}
	return m.tag(previous), err
}

// notes are what the changelog says of the version, and the commits that touched
// the module's folder since its previous release.
func (r *repository) notes(m *goModule, previous, at string) (string, error) {
	log, err := r.git("show", at+":"+m.dir+"/CHANGELOG.md")
	if err != nil {
		return "", err
	}
	commits, err := r.commits(m, previous, at)
	if err != nil {
		return "", err
	}
	var notes strings.Builder
	fmt.Fprintf(&notes, "```sh\ngo get %s@%s\n```\n\n%s\n\n## Commits\n\n", m.path(), m.declared, changelog("\n"+log).section(m.declared))
	for _, c := range commits {
		fmt.Fprintf(&notes, "- %s %s\n", c.hash, c.subject)
	}
	return notes.String(), nil
}

// await returns when the module proxy serves the declared version, as it is at
// the tag. The proxy is asked only now, as it remembers a no: for half an hour, or more
// if a stranger asked before.
func (r *repository) await(m *goModule) error {
	ctx, cancel := context.WithTimeout(r.ctx, time.Hour)
	defer cancel()
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
	for {
		text, err := run(ctx, cache, env, "go", "mod", "download", "-json", m.path()+"@"+m.declared)
		if err == nil {
			return r.checkSum(m, text)
		}
		fmt.Printf("%s: not in the module proxy yet\n", m.tag(m.declared))
		select {
		case <-ctx.Done():
			return fmt.Errorf("the module proxy does not serve it: %w", err)
		case <-time.After(15 * time.Second):
		}
	}
}

// checkSum compares what was downloaded with what the tag has. A proxy that has seen
// another tag of this name serves that for ever.
func (r *repository) checkSum(m *goModule, download string) error {
	var served struct{ Sum string }
	if err := json.Unmarshal([]byte(download), &served); err != nil {
		return err
	}
	own := moduleProxy{filepath.Join(r.scratch, "tags")}
	if err := own.add(r.root, "refs/tags/"+m.tag(m.declared), m.dir, m.declared); err != nil {
		return err
	}
	path, err := module.EscapePath(m.path())
	if err != nil {
		return err
	}
	sum, err := dirhash.HashZip(filepath.Join(own.dir, filepath.FromSlash(path), "@v", m.declared+".zip"), dirhash.Hash1)
	if err == nil && sum != served.Sum {
		err = fmt.Errorf("the module proxy serves %s, and the tag has %s: the tag was moved, so take the next version", served.Sum, sum)
	}
	return err
}
