package main_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// all are the modules of the small repository, in the order of a release.
var all = []string{"core", "adapters/nethttp", "redis", "adapters/chi"}

// TestRelease makes releases with real git and Go, in the order in which they come
// in a project's life.
func TestRelease(t *testing.T) {
	r := newRehearsal(t, small(t))
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"first prepared", r.firstPrepared},
		{"preflight", r.preflight},
		{"first", r.first},
		{"nothing to do", r.again},
		{"one", r.one},
		{"breaking", r.breaking},
		{"nothing to do", r.again},
		{"pre-release", r.preRelease},
		{"refusals", r.refusals},
	} {
		require.True(t, t.Run(step.name, func(t *testing.T) {
			r.t = t
			step.run(t)
		}), "the next steps need this one")
	}
	r.proxy.asked(t)
}

func at(version string) (args []string) {
	for _, dir := range all {
		args = append(args, dir+"="+version)
	}
	return args
}

func (r *rehearsal) firstPrepared(t *testing.T) {
	r.must(append([]string{"prepare"}, at("v0.1.0")...)...)
	r.merge("all: release v0.1.0")
	assert.Contains(t, r.read("README.md"), "| [`redis`](redis) | what | v0.1.0 |")
	assert.Contains(t, r.read("tests/go.mod"), "session/core v0.1.0")
	assert.NotContains(t, r.read("go.work"), "v0.0.0")
}

func (r *rehearsal) first(t *testing.T) {
	r.must("publish")
	var tags []string
	for _, dir := range all {
		tags = append(tags, dir+"/v0.1.0")
	}
	r.published(t, tags...)
	notes := r.github.release(t, "redis/v0.1.0").Body
	assert.Contains(t, notes, "- The first of redis.")
	for _, commits := range []string{"as it stands", "## Commits"} {
		assert.NotContains(t, notes, commits, "nobody had what was before the first release")
	}
}

// published checks that these tags were made and released, in this order, and no
// others.
func (r *rehearsal) published(t *testing.T, tags ...string) {
	t.Helper()
	var refs, changes []string
	for _, tag := range tags {
		refs = append(refs, "refs/tags/"+tag)
		changes = append(changes, "POST "+tag, "PATCH "+tag)
	}
	assert.Equal(t, refs, r.pushed(), "each tag in a push of its own, the required modules first")
	assert.Equal(t, changes, r.github.told(), "each release made as a draft and then published")
	for _, tag := range tags {
		assert.Equal(t, "tag", r.run(r.remote, "git", "cat-file", "-t", "refs/tags/"+tag), "%s is annotated", tag)
		assert.Equal(t, r.run(r.clone, "git", "rev-parse", "HEAD"), r.run(r.remote, "git", "rev-parse", "refs/tags/"+tag+"^{commit}"))
		release := r.github.release(t, tag)
		assert.Equal(t, tag, release.Name)
		assert.Equal(t, strings.Contains(tag, "-"), release.Prerelease)
		latest := strings.HasPrefix(tag, "core/") && !release.Prerelease
		assert.Equal(t, map[bool]string{true: "true", false: "false"}[latest], release.MakeLatest)
	}
}

// again runs the same once more, where there is nothing to do.
func (r *rehearsal) again(t *testing.T) {
	r.cloneAgain()
	r.must("check")
	r.must("publish")
	assert.Empty(t, r.pushed())
	assert.Empty(t, r.github.told())
}

func (r *rehearsal) one(t *testing.T) {
	r.write("redis/more.go", "package redis\n\n// More is more.\nconst More = 1\n")
	r.notable("redis", "Has more.")
	r.commit("redis: more")
	r.must("prepare", "redis=v0.1.1")
	r.merge("redis: release v0.1.1")
	r.must("publish")
	r.published(t, "redis/v0.1.1")
	notes := r.github.release(t, "redis/v0.1.1").Body
	for _, want := range []string{"- Has more.", "redis: more", "go get github.com/gostateful/session/redis@v0.1.1"} {
		assert.Contains(t, notes, want)
	}
	for _, other := range []string{"as it stands", "The first of redis"} {
		assert.NotContains(t, notes, other)
	}
}

// breaking releases a core that breaks, with what requires it, and is killed twice.
func (r *rehearsal) breaking(t *testing.T) {
	r.replace("core/code.go", "int { return 1 }", "string { return \"1\" }")
	r.notable("core", "Count returns a text.")
	for _, dir := range []string{"redis", "adapters/nethttp", "adapters/chi", "tests"} {
		r.replace(dir+"/code.go", "var _ int = core", "var _ string = core")
	}
	r.commit("core: count in words")
	r.refuses("core breaks the API of v0.1.0, so v0.1.1 is too small a step", "prepare", "core=v0.1.1")
	r.refuses("do not build together", "prepare", "core=v0.2.0")
	r.must(append([]string{"prepare"}, at("v0.2.0")...)...)
	r.merge("all: release v0.2.0")

	r.crash = "POST adapters/nethttp/v0.2.0"
	_, err := r.release("publish")
	require.Error(t, err)
	assert.Equal(t, []string{"refs/tags/core/v0.2.0", "refs/tags/adapters/nethttp/v0.2.0"}, r.pushed(), "the tag is there and its release is not")
	r.cloneAgain()
	r.crash = "PATCH redis/v0.2.0"
	_, err = r.release("publish")
	require.Error(t, err)
	r.github.told()
	r.cloneAgain()
	r.must("publish")
	assert.Equal(t, []string{"refs/tags/redis/v0.2.0", "refs/tags/adapters/chi/v0.2.0"}, r.pushed())
	assert.Equal(t, []string{"PATCH redis/v0.2.0", "PATCH redis/v0.2.0"}, r.github.told()[:2], "the draft is taken up, not made again")
	for _, dir := range all {
		assert.Contains(t, r.github.release(t, dir+"/v0.2.0").Body, "/"+dir+"@v0.2.0")
	}
	assert.Contains(t, r.github.release(t, "redis/v0.2.0").Body, "Requires core v0.2.0.")
}

// preRelease makes one, and then its stable version.
func (r *rehearsal) preRelease(t *testing.T) {
	r.write("redis/even.go", "package redis\n")
	for _, version := range []string{"v0.3.0-rc.1", "v0.3.0"} {
		r.notable("redis", "Has even more in "+version+".")
		r.commit("redis: \x01odd\x02 \"$(false)\" `false` <b> \\") // a subject may hold anything but a zero byte
		r.must("prepare", "redis="+version)
		r.merge("redis: release " + version)
		r.must("publish")
		r.published(t, "redis/"+version)
	}
	assert.Contains(t, r.github.release(t, "redis/v0.3.0").Body, "redis: release v0.3.0-rc.1", "the notes tell of the pre-release too")
}
