package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A changelog is the text of a CHANGELOG.md in the form of Keep a Changelog:
// a section for each version, the newest first, below one that is not released.
type changelog string

const pending = "## [Unreleased]\n"

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

// release makes what is unreleased the section of a version. With nothing
// there, fallback is what it says.
func (c changelog) release(version, date, fallback string) (changelog, error) {
	head, rest, found := strings.Cut(string(c), pending)
	if !found {
		return "", fmt.Errorf("has no line %q", strings.TrimSpace(pending))
	}
	if c.section(version) != "" {
		return "", fmt.Errorf("has a section of %s already", version)
	}
	changes, older, _ := strings.Cut(rest, "\n## [")
	if changes = strings.TrimSpace(changes); changes == "" {
		changes = fallback
	}
	if changes == "" {
		return "", fmt.Errorf("says nothing under %q: write what users will notice of %s", strings.TrimSpace(pending), version)
	}
	if older != "" {
		older = "\n## [" + older
	}
	return changelog(fmt.Sprintf("%s%s\n## [%s] - %s\n\n%s\n%s", head, pending, strings.TrimPrefix(version, "v"), date, changes, older)), nil
}
