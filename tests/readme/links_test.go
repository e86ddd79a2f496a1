package readme

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gostateful/session/tests/support/gotool"
)

// fenced is a block of code in a document.
var fenced = regexp.MustCompile("(?ms)^ *```.*?^ *```$")

// TestLinks: each link of a document to this repository leads to a file, and to one
// of its headings.
func TestLinks(t *testing.T) {
	root, documents := gotool.Root(t), files(t, ".md")
	link, links := regexp.MustCompile(`\]\(([^)\s]+)\)`), 0
	for name, text := range documents {
		for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			links++
			to, heading, _ := strings.Cut(match[1], "#")
			to = path.Join(path.Dir(name), to)
			if strings.HasPrefix(match[1], "#") {
				to = name
			}
			_, err := os.Stat(filepath.Join(root, to))
			if assert.NoError(t, err, "%s links to %s", name, match[1]) && heading != "" {
				assert.Contains(t, anchors(documents[to]), heading, "%s links to %s: the headings of %s", name, match[1], to)
			}
		}
	}
	assert.Greater(t, links, 100, "links found")
}

// anchors are what GitHub makes of the headings of a document.
func anchors(document string) (names []string) {
	dropped := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	for _, match := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
		name := dropped.ReplaceAllString(strings.ToLower(match[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestNamedTests: each test, benchmark and Example that a document names exists.
func TestNamedTests(t *testing.T) {
	functions := map[string]bool{}
	for name, text := range files(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			for _, match := range regexp.MustCompile(`(?m)^func (\w+)\(`).FindAllStringSubmatch(text, -1) {
				functions[match[1]] = true
			}
		}
	}
	named, count := regexp.MustCompile("`((?:Test|Fuzz|Benchmark|Example)[A-Z_]\\w*)[`/]"), 0
	for name, text := range files(t, ".md") {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			count++
			assert.True(t, functions[match[1]], "%s names %s, which does not exist", name, match[1])
		}
	}
	assert.Greater(t, count, 200, "tests that documents name")
}
