package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// preflight tries to publish what is prepared, with something in the way of the last
// module, or of all. Nothing of the first may be there afterwards.
func (r *rehearsal) preflight(t *testing.T) {
	const last = "adapters/chi/v0.1.0"
	for _, c := range []struct {
		reason string
		change func(t *testing.T)
	}{
		{"refs/tags/" + last + " is not in origin's main", func(t *testing.T) {
			orphan := r.run(r.clone, "git", "commit-tree", "HEAD^{tree}", "-m", "not of main")
			r.run(r.clone, "git", "push", "--quiet", "origin", orphan+":refs/tags/"+last)
			t.Cleanup(func() { r.run(r.remote, "git", "tag", "--delete", last) })
		}},
		{last + ": it was released and its tag is gone", func(t *testing.T) {
			r.github.set(func(g *gitHub) { g.releases = []*ghRelease{{Tag: last}} })
			t.Cleanup(func() { r.github.set(func(g *gitHub) { g.releases = nil }) })
		}},
		{"goreleaser check", func(t *testing.T) { r.goReleaserIf(t, `test "$1" != check`) }},
		{last + ": goreleaser", func(t *testing.T) { r.goReleaserIf(t, `test "$GORELEASER_CURRENT_TAG" != `+last) }},
		{"is not public", func(*testing.T) {
			r.github.set(func(g *gitHub) { g.about = `{"full_name":"gostateful/session","private":true}` })
		}},
		{"is archived", func(*testing.T) {
			r.github.set(func(g *gitHub) { g.about = `{"full_name":"gostateful/session","archived":true}` })
		}},
		{"this is elsewhere/session", func(*testing.T) {
			r.github.set(func(g *gitHub) { g.about = `{"full_name":"elsewhere/session"}` })
		}},
		{"origin takes no tag from here", func(t *testing.T) {
			r.run(r.clone, "git", "config", "remote.origin.pushurl", r.remote+"-elsewhere")
			t.Cleanup(func() { r.run(r.clone, "git", "config", "--unset", "remote.origin.pushurl") })
		}},
		{"a tag needs a name", func(*testing.T) { r.env = []string{"GIT_COMMITTER_NAME= "} }},
		{"the module proxy does not answer", func(*testing.T) { r.env = []string{"GOPROXY=off"} }},
		{"main has other workflows by now", func(t *testing.T) {
			require.NoError(t, os.MkdirAll(filepath.Join(r.clone, ".github/workflows"), 0o755))
			r.write(".github/workflows/new.yml", "on: push\n")
			r.merge(".github: new")
			r.run(r.clone, "git", "reset", "--quiet", "--hard", "HEAD^")
			t.Cleanup(func() { r.run(r.clone, "git", "push", "--quiet", "--force", "origin", "HEAD:main") })
		}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r.t = t
			t.Cleanup(func() {
				r.env = nil
				r.github.set(func(g *gitHub) { g.about = public })
			})
			c.change(t)
			r.pushed() // not of the release
			r.refuses(c.reason, "publish")
			assert.Empty(t, r.pushed())
			assert.Empty(t, r.github.told())
		})
	}

	r.t = t
	r.pushed()
	said := r.must("publish", "-dry-run")
	for _, dir := range all {
		assert.Contains(t, said, dir+"/v0.1.0: to be released\n")
	}
	assert.Empty(t, r.pushed())
	assert.Empty(t, r.github.told())
}

// goReleaserIf has GoReleaser only see whether a condition of the shell's holds, for the
// rest of the test.
func (r *rehearsal) goReleaserIf(t *testing.T, condition string) {
	bin := r.bin
	t.Cleanup(func() { r.bin = bin })
	r.bin = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(r.bin, "goreleaser"), []byte("#!/bin/sh\n"+condition), 0o755))
}
