// Command check runs everything that a change to this repository has to pass:
//
//	go run ./tools/check            # all of it, as CI does
//	go run ./tools/check vet test   # some steps
//	go run ./tools/check -fix       # format the code and tidy the modules
//
// It needs Go, and installs what else it needs where it may.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A step is one thing to pass. Each prints what it runs and what that says,
// and its error says what to do.
type step struct {
	name, about string
	run         func(*repository) error
	nightly     bool // it runs only if it is named
}

// The order is: what the others need, then the quick before the slow.
var steps = []step{
	{name: "install", about: "what the other steps need and Go does not bring", run: (*repository).install},
	{name: "gofumpt", about: "all code is formatted", run: (*repository).gofumpt},
	{name: "modules", about: "no module is forgotten, and released ones ask for no more than they may", run: (*repository).checkModules},
	{name: "tidy", about: "go mod tidy would change nothing", run: (*repository).tidy},
	{name: "release", about: "what versions.json declares can be released", run: func(*repository) error { return run("go", "run", "./tools/release", "check") }},
	{name: "vet", about: "go vet", run: func(r *repository) error { return run("go", "vet", "work") }},
	{name: "staticcheck", about: "staticcheck, as staticcheck.conf says", run: (*repository).staticcheck},
	{name: "workflows", about: "actionlint takes the workflows, and they are as CONTRIBUTING.md wants them", run: (*repository).workflows},
	{name: "test", about: "all tests and Examples but those of the next two steps, under the race detector and shuffled", run: (*repository).test},
	{name: "bench", about: "the tests of bench, and each benchmark once", run: func(*repository) error {
		if err := run("go", "test", "-vet=off", "./bench/..."); err != nil {
			return err
		}
		return run("go", "run", "./bench/compare", "-rounds", "1", "-benchtime", "1x")
	}},
	{name: "explore", about: "the engine, through every order of its store calls, and its allocations: without the race detector, which disturbs both and finds nothing there, as one actor runs at a time", run: (*repository).explore},
	{name: "alone", about: "each released module builds, with its tests, without go.work, as its users have it", run: (*repository).alone},
	{name: "fuzz", about: "each fuzz target: only if named, as the test step runs their seeds, and it compiles everything anew", run: (*repository).fuzz, nightly: true},
}

// test runs the tests. The step vet has vetted them. The timeout is for what hangs,
// on the slowest machine. Five packages run at a time, as most of them wait for
// servers, and those that take longest come first.
func (r *repository) test() error {
	args := []string{"test", "-shuffle=on", "-vet=off", "-timeout=60m", "-p=5"}
	for _, longest := range []string{"tests/sql", "tests/browser", "tests/redis", "tools/release", "tests/matrix", "tests/attacks"} {
		args = append(args, "./"+longest)
	}
	list, err := output("go", "list", "work")
	if err != nil {
		return err
	}
	for path := range strings.FieldsSeq(list) {
		if dir := strings.TrimPrefix(path, project); !strings.HasPrefix(dir, "bench") && dir != "tests/explore" {
			args = append(args, path)
		}
	}
	return run("go", args...)
}

// explore runs two halves beside each other, since each uses one processor.
func (r *repository) explore() error {
	if err := plain("go", "test", "-run=^TestAllocations$", "./core"); err != nil {
		return err
	}
	halves := make(chan error)
	for _, half := range []string{"1/2", "2/2"} {
		go func() {
			halves <- plain("go", "test", "-timeout=60m", "./tests/explore", "-args", "-explore.part="+half)
		}()
	}
	return errors.Join(<-halves, <-halves)
}

// A repository is the tree that is checked, and how.
type repository struct {
	root     string
	modules  []module
	scratch  string // a folder for temporary files, outside the tree
	fuzztime string // as go test takes it
	fix      bool
}

func main() {
	r := &repository{}
	// A count, since Go before 1.27 may fail when a time is over (go.dev/issue/75804).
	flag.StringVar(&r.fuzztime, "fuzztime", "10000x", "how often to run each fuzz target, or for how long, as 10m")
	flag.BoolVar(&r.fix, "fix", false, "let gofumpt and tidy write; without a step, run only these two")
	flag.Usage = usage
	flag.Parse()
	if err := r.check(flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "\nFAILED: %v\n", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: go run ./tools/check [flags] [step ...]")
	flag.PrintDefaults()
	fmt.Fprintln(os.Stderr, "steps, in their order:")
	for _, s := range steps {
		fmt.Fprintf(os.Stderr, "  %-12s %s\n", s.name, s.about)
	}
}

// check runs the named steps, or all but the nightly ones, up to the first that
// fails.
func (r *repository) check(names []string) error {
	if r.fix && len(names) == 0 {
		names = []string{"gofumpt", "tidy"}
	}
	for _, name := range names {
		if !slices.ContainsFunc(steps, func(s step) bool { return s.name == name }) {
			return fmt.Errorf("there is no step %q; -help lists them", name)
		}
	}
	if err := errors.Join(r.open(), setFlags()); err != nil {
		return err
	}
	defer os.RemoveAll(r.scratch)

	var done []string
	for _, s := range steps {
		if len(names) > 0 && !slices.Contains(names, s.name) || len(names) == 0 && s.nightly {
			continue
		}
		fmt.Printf("\n=== %s: %s\n", s.name, s.about)
		start := time.Now()
		err := s.run(r)
		took := time.Since(start).Round(100 * time.Millisecond)
		if err != nil {
			return fmt.Errorf("%s, after %v: %w\n\nTo run this step again: go run ./tools/check %[1]s", s.name, took, err)
		}
		done = append(done, fmt.Sprintf("  %-12s %8v", s.name, took))
	}
	fmt.Printf("\nPassed:\n%s\n", strings.Join(done, "\n"))
	return nil
}

// open finds the root and the modules of the workspace, and goes there.
func (r *repository) open() error {
	work, err := output("go", "env", "GOWORK")
	if err != nil {
		return err
	}
	if work == "" || work == "off" {
		return errors.New("no go.work is in use: run this inside the repository, with GOWORK unset")
	}
	r.root = filepath.Dir(work)
	if err := os.Chdir(r.root); err != nil {
		return err
	}
	if r.modules, err = workspace(r.root); err != nil {
		return err
	}
	r.scratch, err = os.MkdirTemp("", "session-check-")
	return err
}
