package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	uses   = regexp.MustCompile(`(?m)^[\s-]*uses:\s*(.*)$`)
	pinned = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
)

// workflows checks the files in .github, as far as can be said without GitHub.
func (r *repository) workflows() error {
	if err := plain("go", "tool", "actionlint"); err != nil {
		return err
	}
	files, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		return errors.Join(err, errors.New("no workflow was found in .github/workflows"))
	}
	var faults []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, action := range uses.FindAllStringSubmatch(string(text), -1) {
			if !pinned.MatchString(action[1]) {
				faults = append(faults, fmt.Errorf("%s uses %s: name the commit, and its version in a comment, as tags can be moved", file, action[1]))
			}
		}
		if !strings.Contains(string(text), "\npermissions: {}\n") {
			faults = append(faults, fmt.Errorf("%s does not begin with no permissions at all: add permissions: {} above its jobs", file))
		}
	}
	updates, err := os.ReadFile(".github/dependabot.yml")
	if err != nil {
		return err
	}
	for _, m := range r.modules {
		if !strings.Contains(string(updates), "      - /"+m.dir+"\n") {
			faults = append(faults, fmt.Errorf(".github/dependabot.yml does not list the module /%s", m.dir))
		}
	}
	return errors.Join(faults...)
}
