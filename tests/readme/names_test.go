package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/gostateful/session/tests/support/gotool"
)

var (
	fenced   = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	testName = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)[\w.]+(/\w+)*$`) // "..." stands for what differs
	compound = regexp.MustCompile(`^[A-Z][a-z]+([A-Z]\w*)+$`)
	specName = regexp.MustCompile(`^\w+\.spec\.ts$`)
)

// notInWords is where a name ends.
func notInWords(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// foreign are names of other libraries' code that no code here has.
var foreign = []string{"ReplicaOnly"}

// TestNames: each test that a page names exists, and so does each other name of code:
// a law of adaptertest, an option, an alert.
func TestNames(t *testing.T) {
	var tests, words strings.Builder
	known, specs := map[string]bool{}, map[string]bool{}
	for name, text := range files(t, ".go", ".ts", ".yml") {
		for line := range strings.Lines(text) {
			if function, ok := strings.CutPrefix(line, "func "); ok && strings.HasSuffix(name, "_test.go") {
				function, _, _ = strings.Cut(function, "(")
				tests.WriteString(function + "\n")
			}
		}
		for _, word := range strings.FieldsFunc(text, notInWords) {
			known[word] = true
		}
		words.WriteString(text)
		specs[filepath.Base(name)] = true
	}
	all, seen := words.String(), 0
	for page, text := range files(t, ".md") {
		for _, match := range codeSpan.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			name := match[1]
			switch {
			case specName.MatchString(name):
				assert.True(t, specs[name], "%s: there is no %s", page, name)
			case testName.MatchString(name):
				seen++
				test, subtest, _ := strings.Cut(name, "/")
				pattern := strings.ReplaceAll(regexp.QuoteMeta(test), `\.\.\.`, `\w+`)
				assert.True(t, regexp.MustCompile(`(?m)^`+pattern+`$`).MatchString(tests.String()), "%s: there is no %s", page, test)
				subtest = strings.ReplaceAll(subtest, "_", " ")
				assert.True(t, strings.Contains(all, subtest) || known[strings.ReplaceAll(subtest, " ", "_")], "%s: %s has no %q", page, test, subtest)
			case compound.MatchString(name) && !slices.Contains(foreign, name):
				assert.True(t, known[name], "%s: no code has the name %s", page, name)
			}
		}
	}
	assert.Greater(t, seen, 200, "names of tests on the pages")
}

// TestLinks: what a page links to in this repository is there, with its heading.
func TestLinks(t *testing.T) {
	root, pages := gotool.Root(t), files(t, ".md")
	link, heading := regexp.MustCompile(`\]\(([^)\s]*)\)`), regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped := regexp.MustCompile(`[^\w\- ]`)
	for page, text := range pages {
		for _, match := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(fenced.ReplaceAllString(text, ""), "code"), -1) {
			path, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(path, ":") {
				continue // elsewhere
			}
			target := page
			if path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
			}
			_, err := os.Stat(filepath.Join(root, target))
			assert.NoError(t, err, "%s links to %s", page, match[1])
			if anchor == "" {
				continue
			}
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(pages[target], ""), -1) {
				anchors = append(anchors, strings.ReplaceAll(strings.ToLower(dropped.ReplaceAllString(h[1], "")), " ", "-"))
			}
			assert.Contains(t, anchors, anchor, "%s links to %s", page, match[1])
		}
	}
}

// TestIndex: docs/README.md lists each page of docs.
func TestIndex(t *testing.T) {
	pages := files(t, ".md")
	for name := range pages {
		if page, ok := strings.CutPrefix(name, "docs/"); ok && page != "README.md" {
			assert.True(t, strings.Contains(pages["docs/README.md"], "]("+page+")"), "docs/README.md does not list %s", page)
		}
	}
}
