package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/semver"
)

// goReleaser is run from its source, so that the release uses what was
// rehearsed, and Go verifies it. Later versions need a later Go.
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
	if err := r.checkDeclared(); err != nil { // the workflow has run all of check before
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
	if dirty, err := r.git("status", "--porcelain"); err != nil || dirty != "" {
		return errors.Join(err, fmt.Errorf("the tree is not what is committed:\n%s", dirty))
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
		local, err := r.git("tag", "--list", m.tag(m.declared))
		if err != nil {
			return err
		}
		if remote, err := r.pushed(m); err != nil || local != "" && !remote {
			return errors.Join(err, fmt.Errorf("the tag %s is in this clone alone: git tag -d %[1]s", local))
		}
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
	if !tagged {
		if err := r.pushTag(m); err != nil {
			return err
		}
		fmt.Printf("%s: tagged\n", tag)
	}
	released, err := github.released(r.ctx, tag)
	if err != nil {
		return err
	}
	if !released {
		if err := r.goReleaser(m, github); err != nil {
			return err
		}
		fmt.Printf("%s: released\n", tag)
	}
	// The next module's users need this one.
	if err := r.await(m); err != nil {
		return err
	}
	fmt.Printf("%s: done\n", tag)
	return nil
}

// pushTag makes an annotated tag at HEAD and pushes it, and nothing else.
func (r *repository) pushTag(m *goModule) error {
	tag := m.tag(m.declared)
	if _, err := r.git("tag", "--annotate", "--message", m.path()+" "+m.declared, tag, "HEAD"); err != nil {
		return err
	}
	if _, err := r.git("push", "--quiet", "origin", "refs/tags/"+tag); err != nil {
		_, undo := r.git("tag", "--delete", tag)
		return errors.Join(err, undo)
	}
	return nil
}

// goReleaser makes the release of a tag. GoReleaser takes no tag with a path in it
// for a version, so its validation is skipped: mirrored has done what it would.
func (r *repository) goReleaser(m *goModule, github *github) error {
	previous, err := r.previousTag(m)
	if err != nil {
		return err
	}
	notes, err := r.notes(m, previous)
	if err != nil {
		return err
	}
	config, err := r.goReleaserConfig(m, github)
	if err != nil {
		return err
	}
	notesFile, configFile := filepath.Join(r.scratch, "notes.md"), filepath.Join(r.scratch, "goreleaser.yaml")
	if err := os.WriteFile(notesFile, []byte(notes), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(configFile, config, 0o644); err != nil {
		return err
	}
	_, err = run(r.ctx, r.root, []string{"GORELEASER_CURRENT_TAG=" + m.tag(m.declared), "GORELEASER_PREVIOUS_TAG=" + previous},
		"go", "run", goReleaser, "release", "--clean", "--skip=validate,announce", "--config="+configFile, "--release-notes="+notesFile)
	return err
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

// previousTag is the newest tag below the declared version, or "".
func (r *repository) previousTag(m *goModule) (string, error) {
	list, err := r.git("tag", "--list", m.dir+"/v*")
	if err != nil {
		return "", err
	}
	previous := ""
	for _, tag := range strings.Fields(list) {
		version := strings.TrimPrefix(tag, m.dir+"/")
		if semver.Compare(version, m.declared) < 0 && semver.Compare(version, strings.TrimPrefix(previous, m.dir+"/")) > 0 {
			previous = tag
		}
	}
	return previous, nil
}

// notes are what the changelog says of the version, and the commits that touched
// the module's folder since its previous release.
func (r *repository) notes(m *goModule, previous string) (string, error) {
	log, err := run(r.ctx, r.root, nil, "git", "show", m.tag(m.declared)+":"+m.dir+"/CHANGELOG.md")
	if err != nil {
		return "", err
	}
	commits, err := r.commits(m, previous, m.tag(m.declared))
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

// await returns when the module proxy serves the declared version. It is asked
// only now that the tag exists, as it remembers a no for a while.
func (r *repository) await(m *goModule) error {
	ctx, cancel := context.WithTimeout(r.ctx, 15*time.Minute)
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
		_, err := run(ctx, cache, env, "go", "mod", "download", m.path()+"@"+m.declared)
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
