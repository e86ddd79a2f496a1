package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRelease makes releases with real git, Go and GoReleaser, in the order in
// which they come in a project's life.
func TestRelease(t *testing.T) {
	r := newRehearsal(t)
	t.Log(r.modules)
	for _, dir := range r.modules {
		r.notable(dir, "The first of "+dir+".")
	}
	// What a later version will break, and who uses it.
	r.write("core/rehearsal.go", "package session\n\n// Rehearsed counts.\nfunc Rehearsed() int { return 1 }\n")
	r.merge("core: count rehearsals")

	step(t, "first", r.first)
	step(t, "again", r.again)
	step(t, "one", r.one)
	step(t, "breaking", r.breaking)
	step(t, "again", r.again)
	step(t, "consumers", r.consumers)
	step(t, "refusals", r.refusals)
	r.proxy.asked(t)
}

func step(t *testing.T, name string, run func(*testing.T)) {
	require.True(t, t.Run(name, run), "the next steps need this one")
}

// first releases all modules.
func (r *rehearsal) first(t *testing.T) {
	r.t = t
	var args []string
	for _, dir := range r.modules {
		args = append(args, dir+"=v0.1.0")
	}
	before := r.run(r.clone, "git", "rev-parse", "HEAD")
	r.must(append([]string{"prepare"}, args...)...)
	r.merge("all: release v0.1.0")

	// So the next rehearsal, which begins with this tree, can do the same.
	again := filepath.Join(t.TempDir(), "again")
	r.run(r.dir, "git", "clone", "--quiet", r.remote, again)
	require.NoError(t, unrelease(again))
	for _, dir := range r.modules { // as the tree had nothing unreleased but these
		text := "## [Unreleased]\n\n### Changed\n\n- The first of " + dir + ".\n"
		file := filepath.Join(again, dir, "CHANGELOG.md")
		log, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(log), "## [Unreleased]\n", text, 1)), 0o644))
	}
	require.Empty(t, r.run(again, "git", "diff", "--stat", before), "unrelease does not take a release out of the tree")

	r.must("publish")
	r.published(t, "core", "adapters/fiber", "adapters/nethttp", "adapters/chi", "memory", "redis", "sql")
}

// published checks that these modules were released at what versions.json
// declares, in this order, and no others.
func (r *rehearsal) published(t *testing.T, dirs ...string) {
	t.Helper()
	var refs, changes []string
	for _, dir := range dirs {
		tag := r.declared(dir)
		refs = append(refs, "refs/tags/"+tag)
		changes = append(changes, "POST "+tag, "PATCH "+tag)
	}
	assert.Equal(t, refs, r.pushed(), "each tag in a push of its own, the required modules first")
	assert.Equal(t, changes, r.github.told(), "each release made as a draft and then published")
	for _, dir := range dirs {
		tag := r.declared(dir)
		assert.Equal(t, "tag", r.run(r.remote, "git", "cat-file", "-t", "refs/tags/"+tag), "%s is annotated", tag)
		assert.Equal(t, r.run(r.clone, "git", "rev-parse", "HEAD"), r.run(r.remote, "git", "rev-parse", "refs/tags/"+tag+"^{commit}"))
		release := r.github.release(t, tag)
		assert.Equal(t, tag, release.Name)
		assert.False(t, release.Prerelease)
		assert.Equal(t, map[bool]string{true: "true", false: "false"}[dir == "core"], release.MakeLatest)
	}
}

func (r *rehearsal) declared(dir string) (tag string) {
	for line := range strings.Lines(r.read("versions.json")) {
		if module, version, _ := strings.Cut(strings.Trim(line, " \t\n,"), ": "); module == `"`+dir+`"` {
			return dir + "/" + strings.Trim(version, `"`)
		}
	}
	r.t.Fatalf("versions.json has no %s", dir)
	return ""
}

// again runs the same once more, where there is nothing to do.
func (r *rehearsal) again(t *testing.T) {
	r.t = t
	r.cloneAgain()
	r.must("publish")
	assert.Empty(t, r.pushed())
	assert.Empty(t, r.github.told())
	assert.NotContains(t, r.must("plan"), "->")
}

// one releases one module.
func (r *rehearsal) one(t *testing.T) {
	r.t = t
	r.write("redis/rehearsal.go", "package sessionredis\n\nimport session \"github.com/gostateful/session/core\"\n\nvar rehearsed int = session.Rehearsed()\n")
	r.commit("redis: rehearse")
	r.write("memory/more_test.go", "package memory_test\n")
	r.write("README.md", r.read("README.md")+"\n")
	r.commit("all: what no user gets")
	assert.Equal(t, []string{"redis: v0.1.0 -> v0.1.1"}, r.planned())
	r.refuses("says nothing under", "prepare")
	r.notable("redis", "Rehearses.")
	r.commit("redis: say so")
	r.must("prepare")
	r.merge("redis: release v0.1.1")
	r.must("publish")
	r.published(t, "redis")

	notes := r.github.release(t, "redis/v0.1.1").Body
	for _, want := range []string{"- Rehearses.", "redis: rehearse", "redis: say so", "go get github.com/gostateful/session/redis@v0.1.1"} {
		assert.Contains(t, notes, want)
	}
	for _, other := range []string{"what no user gets", "count rehearsals", "as it stands", "The first of redis"} {
		assert.NotContains(t, notes, other)
	}
}

// planned returns the lines of the plan that name a new version.
func (r *rehearsal) planned() (lines []string) {
	for line := range strings.Lines(r.must("plan")) {
		if strings.Contains(line, " -> ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// breaking releases a core that breaks, with its stores, and is killed on the way.
func (r *rehearsal) breaking(t *testing.T) {
	r.t = t
	r.replace("core/rehearsal.go", "int { return 1 }", "string { return \"1\" }")
	r.replace("redis/rehearsal.go", "rehearsed int", "rehearsed string")
	r.notable("core", "Rehearsed returns a text.")
	r.notable("redis", "Rehearses in words.")
	r.commit("core: count in words")
	r.refuses("breaks the API of v0.1.0, so it is not v0.1.1 but v0.2.0", "prepare", "core=v0.1.1")
	r.refuses("do not build together", "prepare", "core=v0.2.0")
	plan := r.planned()
	assert.Len(t, plan, len(r.modules), "all modules require core")
	for _, line := range plan {
		assert.Contains(t, line, "-> v0.2.0")
	}
	r.must("prepare")
	r.merge("all: release v0.2.0")
	slices.Sort(plan)

	r.crash = "POST adapters/nethttp/v0.2.0"
	_, err := r.release("publish")
	require.Error(t, err)
	first := []string{"POST core/v0.2.0", "PATCH core/v0.2.0", "POST adapters/fiber/v0.2.0", "PATCH adapters/fiber/v0.2.0", "POST adapters/nethttp/v0.2.0"}
	assert.Equal(t, first, r.github.told())
	assert.Equal(t, []string{"refs/tags/core/v0.2.0", "refs/tags/adapters/fiber/v0.2.0", "refs/tags/adapters/nethttp/v0.2.0"}, r.pushed(),
		"the tag is there and its release is not")

	r.cloneAgain()
	r.crash = "PATCH memory/v0.2.0"
	_, err = r.release("publish")
	require.Error(t, err)
	assert.Equal(t, []string{"refs/tags/adapters/chi/v0.2.0", "refs/tags/memory/v0.2.0"}, r.pushed())
	r.github.told()

	r.cloneAgain()
	r.must("publish")
	assert.Equal(t, []string{"refs/tags/redis/v0.2.0", "refs/tags/sql/v0.2.0"}, r.pushed())
	assert.Equal(t, []string{"PATCH memory/v0.2.0", "PATCH memory/v0.2.0"}, r.github.told()[:2], "the draft is taken up, not made again")
	for _, dir := range r.modules {
		assert.Contains(t, r.github.release(t, dir+"/v0.2.0").Body, "/"+dir+"@v0.2.0")
	}
	assert.Contains(t, r.github.release(t, "memory/v0.2.0").Body, "Requires core v0.2.0.")
}
