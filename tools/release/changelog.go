package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A changelog is the text of a CHANGELOG.md in the form of Keep a Changelog:
// a section for each version, the newest first, below one that is not released.
type changelog string

const unreleasedHeading = "## [Unreleased]\n"

func (r *repository) changelogFile(m *goModule) string {
	return filepath.Join(r.root, filepath.FromSlash(m.dir), "CHANGELOG.md")
}

func (r *repository) changelog(m *goModule) (changelog, error) {
	text, err := os.ReadFile(r.changelogFile(m))
	return changelog(text), err
}

// section returns what the changelog says of a version, without its heading.
func (c changelog) section(version string) string {
	_, rest, found := strings.Cut(string(c), "\n## ["+strings.TrimPrefix(version, "v")+"]")
	if !found {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "\n") // the rest of the heading: a date
	rest, _, _ = strings.Cut(rest, "\n## [")
	return strings.TrimSpace(rest)
}

// unreleased returns what the changelog has that is in no version.
func (c changelog) unreleased() (string, error) {
	_, rest, found := strings.Cut(string(c), unreleasedHeading)
	if !found {
		return "", fmt.Errorf("has no line %q", strings.TrimSpace(unreleasedHeading))
	}
	changes, _, _ := strings.Cut("\n"+rest, "\n## [")
	return strings.TrimSpace(changes), nil
}

// release moves what is unreleased into the section of a version, which may be
// there already. If neither says anything, the section is fallback.
func (c changelog) release(version, date, fallback string) (changelog, error) {
	text, err := c.unreleased()
	if err != nil {
		return "", err
	}
	head, rest, _ := strings.Cut(string(c), unreleasedHeading)
	_, older, found := strings.Cut("\n"+rest, "\n## [")
	number := strings.TrimPrefix(version, "v")
	if strings.HasPrefix(older, number+"]") { // prepared before
		text = strings.TrimSpace(text + "\n\n" + c.section(version))
		_, older, found = strings.Cut(older, "\n## [")
	}
	if text = cmp.Or(text, fallback); text == "" {
		return "", fmt.Errorf("says nothing under %q: write what users will notice of %s", strings.TrimSpace(unreleasedHeading), version)
	}
	if found {
		older = "\n## [" + older
	}
	return changelog(fmt.Sprintf("%s%s\n## [%s] - %s\n\n%s\n%s", head, unreleasedHeading, number, date, text, older)), nil
}
