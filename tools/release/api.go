package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"
)

// A difference is how the exported API of a module changed, a line for each.
type difference struct{ compatible, incompatible []string }

// compareAPI compares the module's API now with that of its newest stable tag. Each is
// read in the go.work of its time.
func (r *repository) compareAPI(m *goModule) (difference, error) {
	var d difference
	before := filepath.Join(r.scratch, "tagged", filepath.FromSlash(m.dir))
	if err := r.checkout(m.tag(m.stable), before); err != nil {
		return d, err
	}
	then, err := api(before, m)
	if err != nil {
		return d, fmt.Errorf("the API at %s: %w", m.tag(m.stable), err)
	}
	now, err := api(r.root, m)
	if err != nil {
		return d, err
	}
	for _, c := range apidiff.ModuleChanges(then, now).Changes {
		if c.Compatible {
			d.compatible = append(d.compatible, c.Message)
		} else {
			d.incompatible = append(d.incompatible, c.Message)
		}
	}
	return d, nil
}

// api reads the exported API of a module in a checkout.
func api(root string, m *goModule) (*apidiff.Module, error) {
	config := &packages.Config{
		Mode: packages.NeedName | packages.NeedTypes,
		Dir:  filepath.Join(root, filepath.FromSlash(m.dir)),
		Env:  append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work")),
		// The path of a temporary checkout in what is compiled would have it compiled each time.
		BuildFlags: []string{"-trimpath"},
	}
	file, err := readMod(config.Dir) // its path ends otherwise in another major version
	if err != nil {
		return nil, err
	}
	found := &apidiff.Module{Path: file.Module.Mod.Path}
	loaded, err := packages.Load(config, "./...")
	if err != nil {
		return nil, err
	}
	for _, p := range loaded {
		for _, fault := range p.Errors {
			err = errors.Join(err, fault)
		}
		if !slices.Contains(strings.Split(p.PkgPath, "/"), "internal") {
			found.Packages = append(found.Packages, p.Types)
		}
	}
	return found, err
}
