package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refusals tries to release what must not be. All modules are at v0.2.0.
func (r *rehearsal) refusals(t *testing.T) {
	declare := func(r *rehearsal, dir, version string) {
		r.replace("versions.json", `"`+dir+`": "v0.2.0"`, `"`+dir+`": "`+version+`"`)
	}
	note := func(r *rehearsal, dir, version string) {
		r.replace(dir+"/CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n## ["+version+"] - 2026-01-01\n\n### Fixed\n\n- This.\n")
	}
	requires := func(r *rehearsal, dir, version string) {
		r.replace(dir+"/go.mod", "session/core v0.2.0", "session/core "+version)
	}
	for _, c := range []struct {
		name, reason string
		change       func(r *rehearsal)
	}{
		{"no version", `"0.2.1" is no version of a release`, func(r *rehearsal) { declare(r, "redis", "0.2.1") }},
		{"short version", `"v0.3" is no version of a release`, func(r *rehearsal) { declare(r, "redis", "v0.3") }},
		{"version of a commit", "is no version", func(r *rehearsal) { declare(r, "redis", "v0.2.1-0.20260102030405-0123456789ab") }},
		{"older version", "was released at v0.2.0 already", func(r *rehearsal) { declare(r, "redis", "v0.1.9") }},
		{"back to none", "was released at v0.2.0 already", func(r *rehearsal) { declare(r, "redis", "v0.0.0") }},
		{"major version without its path", "from v2 on it ends in /vN", func(r *rehearsal) { declare(r, "redis", "v2.0.0") }},
		{"not in the changelog", "redis/CHANGELOG.md has no section of it", func(r *rehearsal) { declare(r, "redis", "v0.2.1") }},
		{"something unreleased", "redis/CHANGELOG.md has something unreleased", func(r *rehearsal) {
			declare(r, "redis", "v0.2.1")
			note(r, "redis", "0.2.1")
			r.notable("redis", "And this.")
		}},
		{"replace", "redis/go.mod has a replace", func(r *rehearsal) {
			declare(r, "redis", "v0.2.1")
			r.write("redis/go.mod", r.read("redis/go.mod")+"\nreplace github.com/gostateful/session/core => ../core\n")
		}},
		{"requires a commit", "which is no release", func(r *rehearsal) {
			declare(r, "redis", "v0.2.1")
			requires(r, "redis", "v0.2.1-0.20260102030405-0123456789ab")
		}},
		{"requires what is not there", "core at v0.2.7, which is neither released nor declared", func(r *rehearsal) {
			declare(r, "redis", "v0.2.1")
			requires(r, "redis", "v0.2.7")
		}},
		{"stable requires pre-release", "a pre-release", func(r *rehearsal) {
			declare(r, "core", "v0.3.0-rc.1")
			declare(r, "redis", "v0.2.1")
			requires(r, "redis", "v0.3.0-rc.1")
		}},
		{"break in a patch", "breaks the API of v0.2.0, so it is not v0.2.1 but v0.3.0", func(r *rehearsal) {
			declare(r, "core", "v0.2.1")
			note(r, "core", "0.2.1")
			r.replace("core/rehearsal.go", "func Rehearsed", "func Performed")
			r.replace("core/rehearsal.go", "Rehearsed counts", "Performed counts")
			r.replace("redis/rehearsal.go", "Rehearsed()", "Performed()")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			t.Cleanup(r.undo)
			c.change(r)
			r.refuses(c.reason, "check")
		})
	}

	r.t = t
	r.refuses(`has no module "cache"`, "prepare", "cache=v0.1.0")
	r.refuses(`"0.3.0" is no version`, "prepare", "redis=0.3.0")
	r.refuses("from v2 on a module's path ends in its major version", "prepare", "redis=v2.0.0")
	r.refuses("it is at v0.2.0 already", "prepare", "redis=v0.2.0")
	r.refuses("nothing has changed", "prepare")
	r.write("core/more.go", "package session\n")
	r.refuses("commit or undo these first", "prepare")
	r.write("core/more.go", "package session\n")
	r.refuses("commit or undo these first", "publish")

	// What prepare cannot do whole, it undoes.
	r.notable("core", "Has news.")
	r.commit("core: news")
	_, err := r.release("prepare", "core=v0.2.1", "redis=v0.2.1", "sql=v0.2.1", "memory=v0.2.0-rc.1")
	require.Error(t, err)
	_, err = r.release("prepare", "core=v0.2.1", "redis=v0.2.1", "sql=v0.3.0-rc.1", "memory=v0.2.1")
	require.NoError(t, err, "sql and the others have nothing to tell but that they require core")
	r.undo()
	r.write("sql/more.go", "package sessionsql\n")
	r.commit("sql: more")
	r.refuses("sql/CHANGELOG.md says nothing under", "prepare", "core=v0.2.1", "redis=v0.2.1", "sql=v0.2.1")
	_, err = r.release("prepare", "core=v0.2.1", "redis=v0.2.1", "sql=v0.2.1")
	require.Error(t, err)
	assert.Empty(t, r.run(r.clone, "git", "status", "--porcelain"))

	// What is prepared and then changes is not what the hashes say. It can be
	// prepared again.
	r.write("core/more.go", "package session\n")
	r.commit("core: more")
	r.must("prepare", "core=v0.2.1", "redis=v0.2.1")
	r.commit("all: release core v0.2.1, redis v0.2.1")
	r.refuses("HEAD is not in origin's main", "publish")
	r.must("check")
	r.write("core/more.go", "package session\n\n// More.\n")
	r.commit("core: still more")
	r.refuses("redis/go.sum does not fit what it requires", "check")
	r.notable("core", "Has still more.")
	r.commit("core: say so")
	r.refuses("core/CHANGELOG.md has something unreleased", "check")
	r.must("prepare", "core=v0.2.1")
	r.commit("all: release core v0.2.1 and redis v0.2.1 as they are now")
	r.must("check")
	assert.Regexp(t, `(?s)## \[0.2.1\] - \S+\n\n### Changed\n\n- Has still more.\n\n### Changed\n\n- Has news.\n\n## \[0.2.0\]`, r.read("core/CHANGELOG.md"))

	// A tag that somebody made is none of ours.
	r.run(r.clone, "git", "push", "--quiet", "origin", "main")
	r.run(r.clone, "git", "tag", "core/v0.2.1")
	r.refuses("the tag core/v0.2.1 is in this clone alone", "publish")
	r.run(r.clone, "git", "push", "--quiet", "origin", "core/v0.2.1^{tree}:refs/tags/redis/v0.2.1", "HEAD~9:refs/tags/core/v0.2.1")
	r.cloneAgain()
	r.refuses("the tag core/v0.2.1 is at a commit that does not declare it", "publish")
	r.run(r.remote, "git", "tag", "--delete", "core/v0.2.1", "redis/v0.2.1")
	orphan := r.run(r.clone, "git", "commit-tree", "HEAD^{tree}", "-m", "not of main")
	r.run(r.clone, "git", "push", "--quiet", "origin", orphan+":refs/tags/core/v0.2.1")
	r.cloneAgain()
	r.refuses("the tag core/v0.2.1 is not in main", "publish")
	r.run(r.remote, "git", "tag", "--delete", "core/v0.2.1")
	r.cloneAgain()

	// Tags that are no versions, and clones without the tags.
	r.run(r.clone, "git", "push", "--quiet", "origin", "HEAD:refs/tags/core/v1", "HEAD:refs/tags/core/vnext", "HEAD:refs/tags/elsewhere/v9.0.0",
		r.run(r.clone, "git", "commit-tree", "HEAD:docs", "-m", "no module")+":refs/tags/memory/v0.0.1")
	r.refuses("git fetch --tags origin", "plan")
	r.refuses("git fetch --tags origin", "prepare")
	r.cloneAgain()
	r.must("check")
	r.pushed()

	// A version whose tag is gone is not made again.
	r.must("publish")
	assert.Equal(t, []string{"refs/tags/core/v0.2.1", "refs/tags/redis/v0.2.1"}, r.pushed())
	r.run(r.remote, "git", "tag", "--delete", "core/v0.2.1")
	r.cloneAgain()
	r.refuses("its tag is gone", "publish")
	r.github.releases[slices.IndexFunc(r.github.releases, func(g *ghRelease) bool { return g.Tag == "core/v0.2.1" })].Draft = true // as GitHub does
	r.write("core/more.go", "package session\n\n// Other.\n")
	r.commit("core: other")
	r.run(r.clone, "git", "push", "--quiet", "origin", "main")
	r.refuses("the tag was moved, so take the next version", "publish")
	r.pushed()
	r.cloneAgain()

	// A subject may hold anything but a zero byte.
	r.write("memory/more.go", "package memory\n")
	r.write("memory/é it.md", "")
	r.notable("memory", "Has more.")
	r.commit("memory!: \x01odd\x02 \"$(false)\" `false` <b> \\")
	// A new package of a module that is not released does not matter.
	require.NoError(t, os.MkdirAll(filepath.Join(r.clone, "core", "fresh"), 0o755))
	r.write("core/fresh/fresh.go", "package fresh\n")
	r.commit("core: fresh")
	plan := r.must("plan")
	assert.Contains(t, plan, "memory: v0.2.0 -> v0.3.0")
	// A pre-release is marked as one, and is not the latest.
	r.must("prepare", "memory=v0.3.0-rc.1")
	r.merge("memory: release v0.3.0-rc.1")
	r.must("publish")
	assert.Equal(t, []string{"refs/tags/memory/v0.3.0-rc.1"}, r.pushed())
	release := r.github.release(t, "memory/v0.3.0-rc.1")
	assert.True(t, release.Prerelease)
	assert.Equal(t, "false", release.MakeLatest)
	assert.Contains(t, release.Body, "odd")
	assert.Contains(t, r.must("plan"), "memory: v0.3.0-rc.1 -> v0.3.0")
	r.must("prepare", "memory=v0.3.0")
	r.merge("memory: release v0.3.0")
	r.must("publish")
	release = r.github.release(t, "memory/v0.3.0")
	assert.False(t, release.Prerelease)
	for _, want := range []string{"- Has more.", "odd", "memory: release v0.3.0-rc.1"} {
		assert.Contains(t, release.Body, want, "the notes tell of the pre-release too")
	}

	r.clone = r.dir + "/shallow"
	r.run(r.dir, "git", "clone", "--quiet", "--depth=1", "file://"+r.remote, r.clone)
	r.refuses("git fetch --unshallow", "publish")
}
