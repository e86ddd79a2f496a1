package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// run runs a command in the present folder and shows what it says.
func run(name string, args ...string) error {
	fmt.Println("$", name, strings.Join(args, " "))
	return show(exec.Command(name, args...))
}

// flags have all stores and frameworks of the example compiled, and gin, a peer in
// bench, without a codec that takes as long as much of the rest. With -trimpath, what
// is compiled in one folder serves in each other: the release and its consumers have
// module caches of their own.
const flags = " -tags=all,nomsgpack -trimpath"

// setFlags has all code compiled for the race detector: vet, the tests, and what
// they build share one cache. Otherwise a machine with empty caches compiles
// everything twice. No package can be left out: its copy of a generic function, such as
// sync.OnceValue, may become that of the program, and races are seen that there are not.
// A C compiler that does not optimise takes a fifth of the time for the SQLite of a
// driver.
func setFlags() error {
	c := cmp.Or(os.Getenv("CGO_CFLAGS"), "-O0")
	return errors.Join(os.Setenv("GOFLAGS", os.Getenv("GOFLAGS")+flags+race), os.Setenv("CGO_CFLAGS", c))
}

const race = " -race"

// plain runs a command without the race detector.
func plain(name string, args ...string) error {
	fmt.Println("$", name, strings.Join(args, " "))
	cmd := exec.Command(name, args...)
	cmd.Env = withoutRaces(os.Environ())
	return show(cmd)
}

func withoutRaces(env []string) []string {
	return append(env, "GOFLAGS="+strings.TrimSuffix(os.Getenv("GOFLAGS"), race))
}

// show runs a command whose output goes to the terminal as it comes.
func show(cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w; what it found is above", cmd.Args[0], cmd.Args[1], err)
	}
	return nil
}

// output runs a command and returns what it prints, trimmed; its error holds
// what it complained of.
func output(name string, args ...string) (string, error) {
	return capture(exec.Command(name, args...))
}

func capture(cmd *exec.Cmd) (string, error) {
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", cmd.Args[0], cmd.Args[1], err, complaint.String())
	}
	return strings.TrimSpace(string(out)), nil
}
