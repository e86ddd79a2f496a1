package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// preflight returns the releases that are still to be made, the required modules
// first. It looks before the first tag for all that could stop them halfway, and
// changes nothing: a tag cannot be taken back.
func (r *repository) preflight(github *github) ([]*release, error) {
	releases, err := r.unfinished(github)
	_, config := run(r.ctx, r.root, nil, "goreleaser", "check", "--config=.goreleaser.yaml") // also if there is nothing to release
	err = errors.Join(err, github.visible(r.ctx), r.mayTag(releases), r.reachProxy(), config)
	if err != nil {
		return nil, err
	}
	for _, release := range releases {
		if err := r.goReleaser(release, "validate,announce,publish"); err != nil {
			return nil, fmt.Errorf("%s: %w", release.tag, err)
		}
	}
	fmt.Printf("preflight: %d to release\n", len(releases))
	return releases, nil
}

// unfinished returns the declared releases that are not there yet.
func (r *repository) unfinished(github *github) (releases []*release, err error) {
	for _, m := range r.modules {
		if m.declared == unreleased {
			continue
		}
		release, fault := r.unfinishedOf(m, github)
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", m.tag(m.declared), fault))
		} else if release != nil {
			releases = append(releases, release)
		}
	}
	return releases, err
}

// unfinishedOf returns the release of a module's declared version, or nil if there is
// nothing left to do.
func (r *repository) unfinishedOf(m *goModule, github *github) (*release, error) {
	tag, at := m.tag(m.declared), "HEAD"
	released, err := github.released(r.ctx, tag)
	if err != nil {
		return nil, err
	}
	if released && m.pending() {
		return nil, errors.New("it was released and its tag is gone, which others may have got: take the next version")
	}
	if !m.pending() {
		at = "refs/tags/" + tag
		if err := r.inMain(at); err != nil { // somebody has pushed another
			return nil, fmt.Errorf("%w: delete it on the remote, unless others may have got it; then take the next version", err)
		}
	}
	if released {
		return nil, nil
	}
	return r.newRelease(m, github, at)
}

// mayTag returns an error if a tag cannot be made here or would not be taken by the
// remote.
func (r *repository) mayTag(releases []*release) error {
	if _, err := r.git("var", "GIT_COMMITTER_IDENT"); err != nil {
		return fmt.Errorf("a tag needs a name: set GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL: %w", err)
	}
	// It asks for the right to push. Nothing is sent, so any name will do.
	if _, err := r.git("push", "--quiet", "--dry-run", "--no-verify", "origin", "HEAD:refs/tags/preflight"); err != nil {
		return fmt.Errorf("origin takes no tag from here; in a workflow the job needs contents: write: %w", err)
	}
	if !slices.ContainsFunc(releases, func(r *release) bool { return r.module.pending() }) {
		return nil
	}
	changed, err := r.git("diff", "--name-only", "HEAD", "refs/remotes/origin/main", "--", ".github/workflows")
	if err == nil && changed != "" {
		err = fmt.Errorf("main has other workflows by now, and GitHub refuses a workflow's tag on a commit without them: run this on main as it is.\n%s", changed)
	}
	return err
}

// reachProxy asks the module proxy for something that is there for certain: a
// version that is not published yet must not be asked for.
func (r *repository) reachProxy() error {
	ctx, cancel := context.WithTimeout(r.ctx, 5*time.Minute)
	defer cancel()
	const known = "golang.org/x/mod" // which this program is made with
	info, _ := debug.ReadBuildInfo()
	for _, made := range info.Deps {
		if made.Path == known {
			if err := r.download(ctx, known+"@"+made.Version); err != nil {
				return fmt.Errorf("the module proxy does not answer: %w", err)
			}
			return nil
		}
	}
	return fmt.Errorf("this program does not say which %s it is made with", known)
}
