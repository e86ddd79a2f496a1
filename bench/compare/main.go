// Command compare runs the benchmarks in rounds and prints what benchstat makes of
// them: this project beside its peers, and beside the raw commands.
//
//	go run ./bench/compare                       # everything: ten minutes
//	go run ./bench/compare -rounds 3 -bench Requests/store=memory
//
// Each round runs every benchmark once, so a machine that is busy for a while is
// busy for all of them alike.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 10, "how often each benchmark runs")
	benchtime := flag.String("benchtime", "0.3s", "how long it runs each time, as go test takes it")
	bench := flag.String("bench", "Requests|Codec", "which benchmarks run, as go test takes it")
	out := flag.String("o", "", "a file for what the benchmarks print; empty: a temporary one")
	flag.Parse()
	if err := compare(*rounds, *benchtime, *bench, *out); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// columns are the libraries, and what has none, always in this order: the
// benchmarks run them in any.
const columns = "/lib@(session session-fiber session-cbor scs gorilla gin fiber raw \"\")"

func compare(rounds int, benchtime, bench, out string) error {
	dir, err := os.MkdirTemp("", "session-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if out == "" {
		out = filepath.Join(dir, "benchmarks.txt")
	}
	binary := filepath.Join(dir, "bench.test")
	if err := run(os.Stdout, "go", "test", "-c", "-o", binary, "github.com/gostateful/session/bench"); err != nil {
		return err
	}
	printed, err := os.Create(out)
	if err != nil {
		return err
	}
	defer printed.Close()
	for round := range rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, rounds)
		if err := run(printed, binary, "-test.run", "^$", "-test.bench", bench, "-test.benchtime", benchtime); err != nil {
			return err
		}
	}
	describe()
	return run(os.Stdout, "go", "tool", "benchstat", "-row", ".name,/store,/op", "-col", columns, out)
}

// describe prints what the figures depend on.
func describe() {
	fmt.Printf("%s, %s, %s/%s, %d processors", time.Now().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, version := range [][]string{
		{"redis-server", "--version"}, {"postgres", "--version"}, {"mariadbd", "--version"},
	} {
		if said, err := exec.Command(version[0], version[1:]...).Output(); err == nil {
			fmt.Printf(", %s", bytes.TrimSpace(said))
		}
	}
	said, err := exec.Command("go", "list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}}{{end}}", "all").Output()
	if err != nil {
		return
	}
	for line := range strings.Lines(string(said)) {
		for _, peer := range []string{"/scs/", "gorilla/sessions", "redistore", "gormstore", "gofiber/fiber", "gofiber/storage", "gin-contrib/sessions"} {
			if strings.Contains(line, peer) {
				fmt.Printf(", %s", strings.TrimSpace(line))
			}
		}
	}
	fmt.Print("\n\n")
}

// run runs a command; out gets what it prints.
func run(out io.Writer, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}
