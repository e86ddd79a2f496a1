package main_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refusals tries to release what must not be. Core is at v0.2.0, and redis at v0.3.0.
func (r *rehearsal) refusals(t *testing.T) {
	declare := func(dir, from, to string) {
		r.replace("versions.json", `"`+dir+`": "`+from+`"`, `"`+dir+`": "`+to+`"`)
	}
	requires := func(version string) { r.replace("redis/go.mod", "session/core v0.2.0", "session/core "+version) }
	for _, c := range []struct {
		version, reason string // of redis
		change          func()
	}{
		{"0.3.1", `"0.3.1" is no version of a release`, nil},
		{"v0.4", `"v0.4" is no version of a release`, nil},
		{"v0.3.1-0.20260102030405-0123456789ab", "is no version", nil},
		{"v0.2.9", "was released at v0.3.0 already", nil},
		{"v0.0.0", "was released at v0.3.0 already", nil},
		{"v2.0.0", "from v2 on it ends in /vN", nil},
		{"v0.3.1", "redis/CHANGELOG.md has no section of it", nil},
		{"v0.3.1", "redis/CHANGELOG.md has something unreleased", func() {
			r.replace("redis/CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- And this.\n\n## [0.3.1] - 2026-01-01\n\n- This.\n")
		}},
		{"v0.3.1", "redis/go.mod has a replace", func() {
			r.write("redis/go.mod", r.read("redis/go.mod")+"\nreplace github.com/gostateful/session/core => ../core\n")
		}},
		{"v0.3.1", "which is no release", func() { requires("v0.2.1-0.20260102030405-0123456789ab") }},
		{"v0.3.1", "core at v0.2.7, which is neither released nor declared", func() { requires("v0.2.7") }},
		{"v0.3.1", "a pre-release", func() {
			declare("core", "v0.2.0", "v0.3.0-rc.1")
			requires("v0.3.0-rc.1")
		}},
	} {
		t.Run(c.version+" "+c.reason, func(t *testing.T) {
			r.t = t
			t.Cleanup(r.undo)
			declare("redis", "v0.3.0", c.version)
			if c.change != nil {
				c.change()
			}
			r.refuses(c.reason, "check")
		})
	}

	r.t = t
	r.refuses("usage: ", "prepare")
	r.refuses("usage: ", "publish", "-dryrun")
	r.refuses(`has no module "cache"`, "prepare", "cache=v0.1.0")
	r.refuses(`"0.4.0" is no version`, "prepare", "redis=0.4.0")
	r.refuses("it is at v0.3.0 already", "prepare", "redis=v0.3.0")
	r.refuses("redis/CHANGELOG.md says nothing under", "prepare", "redis=v0.3.1")
	for _, command := range [][]string{{"prepare", "redis=v0.3.1"}, {"publish"}} {
		r.write("core/more.go", "package core\n")
		r.refuses("commit or undo these first", command...)
	}

	// What prepare cannot do whole, it undoes.
	r.notable("core", "Has news.")
	r.commit("core: news")
	_, err := r.release("prepare", "core=v0.2.1", "redis=v0.3.0")
	require.Error(t, err)
	assert.Empty(t, r.run(r.clone, "git", "status", "--porcelain"))

	// What is prepared and then changes is not what the hashes say. It can be
	// prepared again.
	r.must("prepare", "core=v0.2.1", "redis=v0.3.1")
	r.commit("all: release core v0.2.1, redis v0.3.1")
	r.refuses("HEAD is not in origin's main", "publish")
	r.must("check")
	r.write("core/more.go", "package core\n\n// More.\n")
	r.commit("core: more")
	r.refuses("redis/go.sum does not fit what it requires", "check")
	r.notable("core", "Has still more.")
	r.commit("core: say so")
	r.refuses("core/CHANGELOG.md has something unreleased", "check")
	r.must("prepare", "core=v0.2.1")
	r.commit("all: release core v0.2.1 and redis v0.3.1 as they are now")
	r.must("check")
	assert.Regexp(t, `(?s)## \[0.2.1\] - \S+\n\n### Changed\n\n- Has still more.\n\n### Changed\n\n- Has news.\n\n## \[0.2.0\]`, r.read("core/CHANGELOG.md"))

	// A tag that somebody else made, or took away, is none of ours.
	r.run(r.clone, "git", "push", "--quiet", "origin", "main")
	orphan := r.run(r.clone, "git", "commit-tree", "HEAD^{tree}", "-m", "not of main")
	r.run(r.clone, "git", "push", "--quiet", "origin", orphan+":refs/tags/core/v0.2.1", "HEAD:refs/tags/core/vnext", "HEAD:refs/tags/elsewhere/v9.0.0")
	r.cloneAgain()
	r.refuses("refs/tags/core/v0.2.1 is not in origin's main", "publish")
	r.run(r.remote, "git", "tag", "--delete", "core/v0.2.1")
	r.pushed()
	r.must("publish") // this clone still has the tag
	assert.Equal(t, []string{"refs/tags/core/v0.2.1", "refs/tags/redis/v0.3.1"}, r.pushed())
	r.run(r.remote, "git", "tag", "--delete", "core/v0.2.1")
	r.refuses("its tag is gone", "publish")

	r.clone = r.dir + "/shallow"
	r.run(r.dir, "git", "clone", "--quiet", "--depth=1", "file://"+r.remote, r.clone)
	r.refuses("git fetch --unshallow", "publish")
}
