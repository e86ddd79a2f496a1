package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNext(t *testing.T) {
	for _, c := range []struct {
		from                                string
		nothing, repair, addition, breaking string
	}{
		{"v0.2.3", "", "v0.2.4", "v0.2.4", "v0.3.0"},
		{"v1.2.3", "", "v1.2.4", "v1.3.0", "v2.0.0"},
		{"v1.9.10", "", "v1.9.11", "v1.10.0", "v2.0.0"},
		{"v1.0.0-rc.1", "", "v1.0.0", "v1.0.0", "v1.0.0"},
	} {
		for change, want := range map[change]string{nothing: c.nothing, repair: c.repair, addition: c.addition, breaking: c.breaking} {
			got := next(c.from, change)
			assert.Equal(t, want, got, "%s, change %d", c.from, change)
			if got != "" && c.from != "v1.0.0-rc.1" {
				assert.True(t, permits(c.from, got, change), "%s to %s, change %d", c.from, got, change)
			}
		}
	}
}

func TestPermits(t *testing.T) {
	for _, c := range []struct {
		from, to string
		most     change
	}{
		{"v0.2.3", "v0.2.4", addition},
		{"v0.2.3", "v0.3.0", breaking},
		{"v0.2.3", "v1.0.0", breaking},
		{"v1.2.3", "v1.2.4", repair},
		{"v1.2.3", "v1.3.0", addition},
		{"v1.2.3", "v2.0.0", breaking},
		{"v1.2.3", "v1.3.0-rc.1", addition},
	} {
		for change := nothing; change <= breaking; change++ {
			assert.Equal(t, change <= c.most, permits(c.from, c.to, change), "%s to %s, change %d", c.from, c.to, change)
		}
	}
}

func TestChangelog(t *testing.T) {
	log := changelog("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- More.\n\n## [0.1.0] - 2026-01-02\n\n### Added\n\n- All.\n")
	assert.Equal(t, "### Added\n\n- All.", log.section("v0.1.0"))
	assert.Empty(t, log.section("v0.2.0"))

	released, err := log.release("v0.2.0", "2026-02-03", "")
	require.NoError(t, err)
	assert.Equal(t, "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\n### Added\n\n- More.\n\n## [0.1.0] - 2026-01-02\n\n### Added\n\n- All.\n", string(released))
	assert.Equal(t, "### Added\n\n- More.", released.section("v0.2.0"))

	_, err = released.release("v0.3.0", "2026-02-03", "")
	assert.ErrorContains(t, err, "says nothing under")
	again, err := released.release("v0.3.0", "2026-02-03", "- Requires more.")
	require.NoError(t, err)
	assert.Equal(t, "- Requires more.", again.section("v0.3.0"))
	assert.Equal(t, "### Added\n\n- More.", again.section("v0.2.0"))

	more, err := released.release("v0.2.0", "2026-02-04", "")
	require.NoError(t, err)
	assert.Equal(t, strings.Replace(string(released), "02-03", "02-04", 1), string(more))
	_, err = again.release("v0.2.0", "2026-02-03", "")
	assert.ErrorContains(t, err, "below that of another version")

	stable, err := changelog("# Changelog\n\n## [Unreleased]\n\n## [0.2.0-rc.1] - 2026-01-02\n\n- All.\n").release("v0.2.0", "2026-02-03", "- Requires more.")
	require.NoError(t, err)
	assert.Equal(t, "- All.", stable.section("v0.2.0"))

	_, err = changelog("# Changelog\n").release("v0.1.0", "2026-02-03", "")
	assert.ErrorContains(t, err, "has no line")
}
