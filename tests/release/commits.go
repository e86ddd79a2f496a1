package main

import (
	"path"
	"strings"
)

// A commit is one that touched a module's folder.
type commit struct {
	hash, subject string
	breaking      bool // it says so: a "!" before the subject's colon, or a BREAKING CHANGE footer
	ships         bool // it changed more than tests and documents
}

// commits returns those between two revisions that touched the module's folder,
// newest first. An empty from means all.
func (r *repository) commits(m *goModule, from, to string) ([]commit, error) {
	if from != "" {
		to = from + ".." + to
	}
	log, err := r.git("log", "--no-merges", "--name-only", "--format=%x01%h%x00%s%x00%B%x02", to, "--", m.dir)
	if err != nil {
		return nil, err
	}
	var commits []commit
	for _, entry := range strings.Split(log, "\x01")[1:] {
		text, files, _ := strings.Cut(entry, "\x02")
		fields := strings.SplitN(text, "\x00", 3)
		c := commit{hash: fields[0], subject: fields[1]}
		topic, _, _ := strings.Cut(c.subject, ": ")
		c.breaking = strings.HasSuffix(topic, "!") || strings.Contains(fields[2], "\nBREAKING CHANGE: ")
		for _, file := range strings.Fields(files) {
			c.ships = c.ships || ships(file)
		}
		commits = append(commits, c)
	}
	return commits, nil
}

// ships reports whether a file is part of what an application builds.
func ships(file string) bool {
	return !strings.HasSuffix(file, "_test.go") && path.Ext(file) != ".md" && !strings.Contains(file, "/testdata/")
}
