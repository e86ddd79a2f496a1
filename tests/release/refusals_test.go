package main_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
		{"major version without its path", "is called github.com/gostateful/session/redis/v2", func(r *rehearsal) { declare(r, "redis", "v2.0.0") }},
		{"not in the changelog", "redis/CHANGELOG.md has no section of it", func(r *rehearsal) { declare(r, "redis", "v0.2.1") }},
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
	r.refuses("is called github.com/gostateful/session/redis/v2", "prepare", "redis=v2.0.0")
	r.refuses("nothing has changed", "prepare")
	r.write("core/more.go", "package session\n")
	r.refuses("commit or undo these first", "prepare")
	r.write("core/more.go", "package session\n")
	r.refuses("the tree is not what is committed", "publish")

	// What is prepared and then changes is not what the hashes say.
	r.write("core/more.go", "package session\n")
	r.notable("core", "Has more.")
	r.notable("redis", "Has more.")
	r.commit("core: more")
	r.must("prepare", "core=v0.2.1", "redis=v0.2.1")
	r.commit("all: release core v0.2.1, redis v0.2.1")
	r.refuses("HEAD is not in origin's main", "publish")
	r.must("check")
	r.write("core/more.go", "package session\n\n// More.\n")
	r.refuses("redis is not as prepare left it", "check")

	// A tag that somebody made, and did not push, is none.
	r.run(r.clone, "git", "push", "--quiet", "origin", "main")
	r.run(r.clone, "git", "tag", "core/v0.2.1")
	r.refuses("the tag core/v0.2.1 is in this clone alone", "publish")
	r.pushed()

	// A pre-release is marked as one, and is not the latest.
	r.cloneAgain()
	r.run(r.clone, "git", "reset", "--quiet", "--hard", "HEAD~2")
	r.notable("core", "Is about to have more.")
	r.commit("core: announce")
	r.must("prepare", "core=v0.3.0-rc.1")
	r.commit("core: release v0.3.0-rc.1")
	r.run(r.clone, "git", "push", "--quiet", "--force", "origin", "main")
	r.pushed()
	r.must("publish")
	assert.Equal(t, []string{"refs/tags/core/v0.3.0-rc.1"}, r.pushed())
	release := r.github.release(t, "core/v0.3.0-rc.1")
	assert.True(t, release.Prerelease)
	assert.Equal(t, "false", release.MakeLatest)

	r.clone = r.dir + "/shallow"
	r.run(r.dir, "git", "clone", "--quiet", "--depth=1", "file://"+r.remote, r.clone)
	r.refuses("git fetch --unshallow", "publish")
}
