package main

import (
	"path"
	"slices"
	"strings"
)

// A commit is one that touched a module's folder.
type commit struct {
	hash, subject string
	ships         bool // it changed more than tests and documents
	breaking      bool // and says so: a "!" before the subject's colon, or a BREAKING CHANGE footer
}

// commits returns those between two revisions that touched the module's folder,
// newest first. An empty from means all.
func (r *repository) commits(m *goModule, from, to string) ([]commit, error) {
	if from != "" {
		to = from + ".." + to
	}
	// A zero byte is what no message and no path can hold.
	log, err := r.git("-c", "log.showSignature=false", "-c", "core.quotePath=false",
		"log", "--no-merges", "--name-only", "--format=%x00%h%x00%s%x00%B%x00", to, "--", m.dir)
	if err != nil {
		return nil, err
	}
	var commits []commit
	for fields := range slices.Chunk(strings.Split(log, "\x00")[1:], 4) {
		c := commit{hash: fields[0], subject: fields[1]}
		for file := range strings.Lines(fields[3]) {
			c.ships = c.ships || ships(strings.TrimSpace(file))
		}
		topic, _, found := strings.Cut(c.subject, ": ")
		says := found && strings.HasSuffix(topic, "!") || strings.Contains(fields[2], "\nBREAKING CHANGE: ")
		c.breaking = says && c.ships // it may say so of another module
		commits = append(commits, c)
	}
	return commits, nil
}

// ships reports whether a file is part of what an application builds.
func ships(file string) bool {
	return file != "" && !strings.HasSuffix(file, "_test.go") && path.Ext(file) != ".md" && !strings.Contains(file, "/testdata/")
}
