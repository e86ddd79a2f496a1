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
// there already. If neither says anything, the section is what its pre-releases
// had, or else fallback.
func (c changelog) release(version, date, fallback string) (changelog, error) {
	changes, err := c.unreleased()
	if err != nil {
		return "", err
	}
	head, rest, _ := strings.Cut(string(c), unreleasedHeading)
	_, older, _ := strings.Cut("\n"+rest, "\n## [")
	text := changes
	if earlier := c.section(version); earlier != "" {
		if !strings.HasPrefix(older, strings.TrimPrefix(version, "v")+"]") {
			return "", fmt.Errorf("has a section of %s below that of another version", version)
		}
		_, older, _ = strings.Cut(older, "\n## [")
		text = strings.TrimSpace(changes + "\n\n" + earlier)
	}
	for _, source := range []string{c.preReleases(version), fallback} {
		if text == "" {
			text = source
		}
	}
	if text == "" {
		return "", fmt.Errorf("says nothing under %q: write what users will notice of %s", strings.TrimSpace(unreleasedHeading), version)
	}
	if older != "" {
		older = "\n## [" + older
	}
	return changelog(fmt.Sprintf("%s%s\n## [%s] - %s\n\n%s\n%s", head, unreleasedHeading, strings.TrimPrefix(version, "v"), date, text, older)), nil
}

// preReleases joins the sections of a version's pre-releases.
func (c changelog) preReleases(version string) string {
	var sections []string
	for _, section := range strings.Split(string(c), "\n## [")[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		if strings.HasPrefix(heading, strings.TrimPrefix(version, "v")+"-") {
			sections = append(sections, strings.TrimSpace(text))
		}
	}
	return strings.Join(sections, "\n\n")
}
