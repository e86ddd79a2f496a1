package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// alone builds each released module, and compiles its tests, without the workspace,
// as go.work hides a require that is missing. Its tests run again only if what they
// use is of other versions there.
func (r *repository) alone() error {
	var tests []*exec.Cmd
	for _, m := range r.modules {
		if slices.Contains(unreleased, m.dir) {
			continue
		}
		modfile, err := r.modfile(m)
		if err != nil {
			return err
		}
		differ, err := r.otherVersions(m, modfile)
		if err != nil {
			return err
		}
		fmt.Printf("--- %s, GOWORK=off; of other versions than in the workspace: %v\n", m.dir, differ)
		for _, args := range [][]string{
			{"build", "-o", os.DevNull, "./..."}, // a lone main package would be written into the tree
			{"vet", "./..."},
		} {
			if err := show(m.command(modfile, args...)); err != nil {
				return fmt.Errorf("%s alone, without go.work: %w.\nIf a require is missing: go run ./tools/check -fix", m.dir, err)
			}
		}
		if len(differ) > 0 {
			tests = append(tests, m.command(modfile, "test", "-shuffle=on", "./..."))
		}
	}
	// At once, as they mostly wait.
	results := make(chan error)
	for _, test := range tests {
		go func() { results <- show(test) }()
	}
	var failed error
	for range tests {
		failed = errors.Join(failed, <-results)
	}
	return failed
}

// otherVersions are the modules of others that the module's packages and tests use
// at another version alone than in the workspace.
func (r *repository) otherVersions(m module, modfile string) (differ []string, err error) {
	list := []string{"list", "-deps", "-test", "-f", "{{with .Module}}{{.Path}}@{{.Version}}{{end}}"}
	alone, err := capture(m.command(modfile, append(list, "./...")...))
	if err != nil {
		return nil, err
	}
	together, err := output("go", append(list, "./"+m.dir+"/...")...)
	if err != nil {
		return nil, err
	}
	used := strings.Fields(together)
	for _, version := range slices.Compact(slices.Sorted(strings.FieldsSeq(alone))) {
		if !strings.HasPrefix(version, project) && !slices.Contains(used, version) {
			differ = append(differ, version)
		}
	}
	return differ, nil
}
