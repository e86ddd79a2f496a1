package main

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// A change is how much a release changes for a module's users.
type change int

const (
	nothing  change = iota
	repair          // the same API
	addition        // more API
	breaking        // other API: users may have to change their code
)

// A proposal is what a module's next release should be, and why.
type proposal struct {
	change  change
	version string   // "" for none
	reasons []string // one a line
}

// propose finds what asks for a release of the module: the commits since its
// last one that touched what users get, the difference of the API, and siblings
// that break. proposals has those of the modules it requires.
func (r *repository) propose(m *goModule, proposals map[*goModule]proposal) (proposal, error) {
	if m.tagged == "" {
		version := m.declared
		if version == unreleased {
			version = "v0.1.0"
		}
		return proposal{breaking, version, []string{"it was never released"}}, nil
	}
	var p proposal
	if m.tagged != m.stable {
		p = proposal{repair, "", []string{m.tagged + " is a pre-release"}}
	}
	raise := func(c change, reason string) {
		p.change = max(p.change, c)
		p.reasons = append(p.reasons, reason)
	}
	commits, err := r.commits(m, m.tag(m.tagged), "HEAD")
	if err != nil {
		return p, err
	}
	for _, c := range commits {
		switch {
		case c.breaking:
			raise(breaking, c.subject)
		case c.ships:
			raise(repair, c.subject)
		}
	}
	if len(commits) > 0 && m.stable != "" {
		difference, err := r.compareAPI(m)
		if err != nil {
			return p, err
		}
		for _, line := range difference.incompatible {
			raise(breaking, "API, incompatible: "+line)
		}
		for _, line := range difference.compatible {
			raise(addition, "API: "+line)
		}
	}
	for sibling := range r.siblings(m.file) {
		if proposals[sibling].change == breaking {
			raise(breaking, "it requires "+sibling.dir+", which breaks")
		}
	}
	p.version = next(m.tagged, p.change)
	if p.version != "" && m.stable != "" && !permits(m.stable, p.version, p.change) {
		p.version = next(m.stable, p.change) // a pre-release of less than it became
	}
	return p, nil
}

// next is the version after a change. In v0, where minor versions may break, an
// addition is a patch, so that a patch never needs more than go get.
func next(version string, c change) string {
	major, minor, patch := parts(version)
	switch {
	case c == nothing:
		return ""
	case semver.Prerelease(version) != "": // v1.0.0-rc.1 is followed by v1.0.0
	case c == breaking && major > 0:
		major, minor, patch = major+1, 0, 0
	case c == breaking, c == addition && major > 0:
		minor, patch = minor+1, 0
	default:
		patch++
	}
	return fmt.Sprintf("v%d.%d.%d", major, minor, patch)
}

func parts(version string) (major, minor, patch int) {
	version, _, _ = strings.Cut(semver.Canonical(version), "-")
	var numbers [3]int
	for i, word := range strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3) {
		numbers[i], _ = strconv.Atoi(word) // canonical: always a number
	}
	return numbers[0], numbers[1], numbers[2]
}

// permits reports whether the step from one version to the next may carry the
// change: from v1 on a break takes a major version, in v0 a minor one.
func permits(from, to string, c change) bool {
	major1, minor1, _ := parts(from)
	major2, minor2, _ := parts(to)
	switch {
	case major2 > major1:
		return true
	case c == breaking:
		return major1 == 0 && minor2 > minor1
	case c == addition:
		return major1 == 0 || minor2 > minor1
	}
	return true
}

// plan is the proposal for each module that needs a release.
func (r *repository) plan() (map[*goModule]proposal, error) {
	proposals := map[*goModule]proposal{}
	for _, m := range r.modules {
		p, err := r.propose(m, proposals)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.dir, err)
		}
		proposals[m] = p
	}
	return proposals, nil
}

func (r *repository) showPlan() error {
	if err := r.allTags(); err != nil {
		return err
	}
	proposals, err := r.plan()
	if err != nil {
		return err
	}
	for _, m := range r.modules {
		p := proposals[m]
		now := m.tagged
		if now == "" {
			now = "unreleased"
		}
		if p.version == "" {
			fmt.Printf("%s: %s stays\n", m.dir, now)
			continue
		}
		fmt.Printf("%s: %s -> %s\n", m.dir, now, p.version)
		for _, reason := range p.reasons {
			fmt.Printf("    %s\n", reason)
		}
	}
	fmt.Println("\nTo write this into the tree: go run ./tools/release prepare")
	return nil
}
